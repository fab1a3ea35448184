"""One finished request, as it may be shown: raw bytes in, text without secrets out, and from there HAR, curl and a text to edit.

The gateway keeps raw bytes in a bounded ring and does nothing else with them. What is here runs only when somebody looks, so it
may be thorough: bodies are decompressed and read as what they are (JSON, forms, multipart, event streams, WebSocket frames),
because a secret is only found by somebody who knows its name. Everything that leaves `bodies` and `messages` is redacted;
`har`, `curl` and `draft` see nothing else, so none of them can leak. All of it is pure.
"""
