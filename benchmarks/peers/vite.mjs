// Vite's dev server and its server.proxy, with a keep-alive agent: node vite.mjs PORT UPSTREAM_PORT
import http from "node:http";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
const found = createRequire(`${process.env.NODE_PATH}/`).resolve("vite/package.json").replace("package.json", "dist/node/index.js");
const { createServer } = await import(pathToFileURL(found));
const [port, upstream] = process.argv.slice(2).map(Number);
const server = await createServer({
  configFile: false,
  logLevel: "error",
  root: process.cwd(),
  optimizeDeps: { noDiscovery: true },
  server: {
    host: "127.0.0.1", port, strictPort: true, hmr: false, watch: null,
    proxy: { "/api": { target: `http://127.0.0.1:${upstream}`, agent: new http.Agent({ keepAlive: true, maxSockets: 256 }) } },
  },
});
await server.listen();
