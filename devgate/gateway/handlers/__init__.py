"""What can answer a request: a service over HTTP (`forward`), a service over a WebSocket (`tunnel`), the gateway (`builtin`)."""
