// Cloudflare's own SDK for TypeScript, the npm package `cloudflare`; NODE_PATH says where it is.
//   node create_typescript.mjs BASE_URL CA_FILE_OR_- COUNT CONCURRENCY [WARM_UP]
// The CA file must stand in NODE_EXTRA_CA_CERTS too: node reads it from there.
import { createRequire } from 'node:module';

const Cloudflare = createRequire(import.meta.url)('cloudflare').default;
const [baseURL, , count, concurrency, warmUp = '500'] = process.argv.slice(2);
const client = new Cloudflare({ baseURL, apiToken: 'bench-sample-not-a-token-000000000000000' });

async function work(left) {
  while (left.count-- > 0) {
    const token = await client.zeroTrust.access.serviceTokens.create({
      account_id: '023e105f4ecef8ad9ca31a8372d0c353',
      name: 'CI/CD token',
      duration: '8760h',
    });
    if (!token.client_secret.startsWith('cfast_')) throw new Error('a response was not understood');
  }
}

async function create(n) {
  const left = { count: n };
  await Promise.all(Array.from({ length: Number(concurrency) }, () => work(left)));
}

await create(Number(warmUp));
const cpuBefore = process.cpuUsage();
const wallBefore = process.hrtime.bigint();
await create(Number(count));
const wall = Number(process.hrtime.bigint() - wallBefore);
const { user, system } = process.cpuUsage(cpuBefore);

const each = (ns) => Math.round(ns / count);
console.log(
  `cpu_ns=${each((user + system) * 1000)} user_ns=${each(user * 1000)} sys_ns=${each(system * 1000)}`,
  `wall_ns=${each(wall)} mallocs=-`,
);
