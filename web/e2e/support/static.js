// Serves a folder as any web server would: with byte ranges, to pages of other origins.
import { createReadStream, existsSync, statSync } from "node:fs";
import http from "node:http";
import path from "node:path";

const types = {
  ".m3u8": "application/vnd.apple.mpegurl",
  ".mpd": "application/dash+xml",
  ".mp4": "video/mp4",
  ".m4s": "video/iso.segment",
  ".vtt": "text/vtt",
};
const open = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "range",
  "access-control-expose-headers": "content-range, content-length",
  "accept-ranges": "bytes",
};

export async function serveFolder(folder) {
  const server = http.createServer((request, response) => serve(folder, request, response));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

function serve(folder, request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const file = path.join(folder, path.normalize(pathname));
  if (request.method === "OPTIONS") {
    response.writeHead(204, open).end();
    return;
  }
  if (!file.startsWith(folder) || !existsSync(file)) {
    response.writeHead(404, open).end();
    return;
  }
  const { size } = statSync(file);
  const headers = {
    ...open,
    "content-type": types[path.extname(file)] ?? "text/plain",
  };
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (!range) {
    response.writeHead(200, { ...headers, "content-length": size });
    createReadStream(file).pipe(response);
    return;
  }
  const start = Number(range[1]);
  const end = Math.min(range[2] === "" ? size - 1 : Number(range[2]), size - 1);
  const length = Math.max(end - start + 1, 0);
  const described = {
    "content-range": `bytes ${start}-${end}/${size}`,
    "content-length": length,
  };
  response.writeHead(206, { ...headers, ...described });
  createReadStream(file, { start, end }).pipe(response);
}
