"""What a route may have done to its requests and answers beyond being forwarded, one module each.

A `chain.Chain` is put together for each route when the rules are made; a route that asks for nothing has none, and its requests
pay for none. There are three places:

- gates are asked at once, before anything is sent: they refuse a request, or change what the service is told of it;
- steps stand round the whole serving of a request and may wait, answer instead, or have it served again;
- filters stand between a service's connection and the relay: they change the answer as it comes, head and body.
"""
