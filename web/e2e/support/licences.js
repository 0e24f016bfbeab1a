// Gives keys away: as ClearKey servers do (W3C Encrypted Media Extensions 9.1), and as 16 bytes.
import http from "node:http";

const open = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*",
};
const base64url = (hex) => Buffer.from(hex, "hex").toString("base64url");

/** `keys`: hexadecimal KID to hexadecimal key. */
export async function serveKeys(keys) {
  const server = http.createServer(async (request, response) => {
    if (request.method === "OPTIONS") {
      response.writeHead(204, open).end();
      return;
    }
    if (request.method === "GET") {
      const kid = request.url.slice(1);
      const found = keys[kid];
      response.writeHead(found ? 200 : 404, open).end(Buffer.from(found ?? "", "hex"));
      return;
    }
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const { kids } = JSON.parse(Buffer.concat(chunks).toString());
    const named = kids.map((kid) => Buffer.from(kid, "base64url").toString("hex"));
    const given = named.map((kid) => ({
      kty: "oct",
      kid: base64url(kid),
      k: base64url(keys[kid]),
    }));
    response.writeHead(200, { ...open, "content-type": "application/json" });
    response.end(JSON.stringify({ keys: given, type: "temporary" }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** As dash.js takes them. */
export function clearKeys(keys) {
  return Object.fromEntries(Object.entries(keys).map((pair) => pair.map(base64url)));
}
