// One Chromium for all tests, and a page server on a port of its own, so that players meet the
// origin across origins, as on a real site.
import { createReadStream, existsSync } from "node:fs";
import http from "node:http";
import path from "node:path";
import { chromium } from "playwright-core";

const web = path.resolve(import.meta.dirname, "../..");
const types = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".css": "text/css",
};

/** Flags are Chromium's own. */
export async function openBrowser(...flags) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--autoplay-policy=no-user-gesture-required",
      ...flags,
    ],
  });
  const server = http.createServer(serveFile);
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    browser,
    site: `http://127.0.0.1:${server.address().port}`,
    close: async () => {
      await browser.close();
      server.closeAllConnections();
      server.close();
    },
  };
}

function serveFile(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const file = path.join(web, path.normalize(pathname));
  if (!file.startsWith(web) || !existsSync(file)) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, {
    "content-type": types[path.extname(file)] ?? "text/plain",
  });
  createReadStream(file).pipe(response);
}
