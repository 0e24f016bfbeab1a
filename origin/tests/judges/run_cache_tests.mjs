// The cases of http-cache-tests (npm) that ask something of an origin.
//
//     run_cache_tests.mjs ROOT SUITE
//
// `run.sh` beside calls it: ROOT is where examples/serve.rs serves, SUITE the unpacked package. The suite judges caches
// in front of a server of its own that answers as each case says. Of an origin it judges what a
// cache must do with a response it holds: conditions and ranges. Each such case is asked here of a
// file of ours, with our validators in the place of the case's. What it asks of caches alone (age,
// freshness, what to store, what to send on) is counted and left out.

import { pathToFileURL } from 'node:url';

const [root, suite] = process.argv.slice(2);
const { default: groups } = await import(pathToFileURL(`${suite}/tests/index.mjs`));
const files = ['v360/3.m4s', 'v360.m3u8', 't-en/0.vtt'];

/** What the case's second request asks of a file of ours; null if it asks nothing of an origin. */
function translate(test, held) {
  const [first, second, ...more] = test.requests;
  if (!second || more.length > 0 || second.expected_type !== 'cached') return null;
  if ((first.response_status ?? [200])[0] !== 200 || first.request_headers) return null;
  if (second.request_method && second.request_method !== 'GET') return null;
  const stored = Object.fromEntries(
    (first.response_headers ?? []).map(([name, value]) => [name.toLowerCase(), value]),
  );
  const headers = {};
  for (const [name, value] of second.request_headers ?? []) {
    const asked = name.toLowerCase();
    if (asked === 'if-none-match' && stored.etag) {
      // Tags are quoted; how caches treat those that are not is no rule of HTTP.
      if (!/^(W\/)?"[\x21-\x7e]+"$/.test(stored.etag)) return null;
      const opaque = stored.etag.replace(/^W\//, '');
      if (!value.includes(opaque)) return null;
      headers[name] = value.replaceAll(opaque, held.etag);
    } else if (asked === 'if-modified-since') {
      const then = stored['last-modified'] ?? value;
      const later = Math.sign(value - then) * 1000;
      headers[name] = new Date(Date.parse(held.modified) + later * 1000).toUTCString();
    } else if (asked === 'range') {
      headers[name] = value;
    } else {
      return null;
    }
  }
  if (Object.keys(headers).length === 0) return null;
  return { headers, status: second.expected_status ?? second.response_status?.[0] ?? 200 };
}

let passed = 0;
let failed = 0;
const left = new Set();
for (const file of files) {
  const plain = await fetch(root + file, { headers: { 'Accept-Encoding': 'identity' } });
  await plain.arrayBuffer();
  const held = { etag: plain.headers.get('etag'), modified: plain.headers.get('last-modified') };
  for (const test of groups.flatMap((group) => group.tests)) {
    const asked = translate(test, held);
    if (!asked) {
      left.add(test.id);
      continue;
    }
    const headers = { 'Accept-Encoding': 'identity', ...asked.headers };
    const answer = await fetch(root + file, { headers });
    const body = await answer.arrayBuffer();
    const wrong = [];
    if (answer.status !== asked.status) wrong.push(`status ${answer.status}, not ${asked.status}`);
    if (answer.status === 304 && answer.headers.get('etag') !== held.etag) wrong.push('no ETag');
    if (answer.status === 206 && !answer.headers.get('content-range')) wrong.push('no range');
    if (answer.status === 304 && body.byteLength > 0) wrong.push('a body');
    if (wrong.length > 0 && test.kind !== 'check') {
      failed += 1;
      console.log(`${file}: ${test.id} (${test.kind ?? 'required'}): ${wrong.join(', ')}`);
    } else {
      passed += 1;
    }
  }
}
console.log(`${passed} passed, ${failed} failed; ${left.size} cases ask nothing of an origin`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
