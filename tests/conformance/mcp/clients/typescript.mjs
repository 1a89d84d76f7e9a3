// The official TypeScript client: what it finds behind a command or at an address, as JSON.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(`${process.env.MCP_NPM}/package.json`);
const load = (path) => import(pathToFileURL(require.resolve(`@modelcontextprotocol/sdk/${path}`)));
const { Client } = await load("client/index.js");
const { StdioClientTransport } = await load("client/stdio.js");
const { StreamableHTTPClientTransport } = await load("client/streamableHttp.js");
const { CreateMessageRequestSchema, ElicitRequestSchema, ListRootsRequestSchema } = await load("types.js");

const { command, url, headers, calls } = JSON.parse(await new Response(process.stdin).text());
const transport = url
  ? new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers } })
  : new StdioClientTransport({ command: command[0], args: command.slice(1), stderr: "ignore" });
const client = new Client(
  { name: "conformance", version: "1.0.0" },
  { capabilities: { sampling: {}, elicitation: {}, roots: { listChanged: true } } },
);
const asked = [];
client.setRequestHandler(CreateMessageRequestSchema, () => {
  asked.push("sampling");
  return { model: "m", role: "assistant", content: { type: "text", text: "Hm." } };
});
client.setRequestHandler(ElicitRequestSchema, () => {
  asked.push("elicitation");
  return { action: "accept", content: { name: "Ada" } };
});
client.setRequestHandler(ListRootsRequestSchema, () => {
  asked.push("roots");
  return { roots: [{ uri: "file:///srv/docs", name: "docs" }] };
});

await client.connect(transport);
// The server has some tools only once it knows what the client can do.
let tools = [];
for (let look = 0; look < 200 && !tools.includes("trigger-sampling-request"); look++) {
  tools = (await client.listTools()).tools.map((tool) => tool.name);
  if (!calls.some(([name]) => name === "trigger-sampling-request")) break;
  await new Promise((done) => setTimeout(done, 20));
}
const found = { server: client.getServerVersion()?.name, tools, calls: [], progress: [] };
for (const [name, args] of calls) {
  const onprogress = ({ progress, total }) => found.progress.push([progress, total]);
  try {
    found.calls.push(await client.callTool({ name, arguments: args }, undefined, { onprogress }));
  } catch (error) {
    found.calls.push(`${error.constructor.name} ${error.code}: ${error.message}`);
  }
}
found.asked = [...new Set(asked)].sort();
await client.close();
console.log(JSON.stringify(found));
process.exit(0);
