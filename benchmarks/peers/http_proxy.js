// node http-proxy with a keep-alive agent: node http_proxy.js PORT UPSTREAM_PORT
// Without the agent it opens a connection for each request, which would be an unfair comparison.
const http = require("node:http");
const proxy = require("http-proxy").createProxyServer({
  target: `http://127.0.0.1:${process.argv[3]}`,
  agent: new http.Agent({ keepAlive: true, maxSockets: 256 }),
});
proxy.on("error", (error, request, response) => response.writeHead(502).end(String(error)));
http.createServer((request, response) => proxy.web(request, response)).listen(Number(process.argv[2]), "127.0.0.1");
