// The official Node client against the emulator: prints one JSON line of what it saw.
const [modules, endpoint, queueId, url] = process.argv.slice(2);
const {createRequire} = require('module');
const load = createRequire(`${modules}/`);
const {CloudTasksClient} = load('@google-cloud/tasks');
const {credentials} = load('@grpc/grpc-js');

async function main() {
  const [host, port] = endpoint.split(':');
  const client = new CloudTasksClient({
    servicePath: host, port: Number(port), sslCreds: credentials.createInsecure(),
  });
  const parent = 'projects/demo/locations/us-central1';
  const name = `${parent}/queues/${queueId}`;
  const [queue] = await client.createQueue({
    parent, queue: {name, rateLimits: {maxDispatchesPerSecond: 5}},
  });
  await client.pauseQueue({name});
  const [task] = await client.createTask({
    parent: name,
    task: {
      name: `${name}/tasks/from-node`,
      httpRequest: {
        url, httpMethod: 'POST', headers: {'Content-Type': 'text/plain'},
        body: Buffer.from([0, 255, 104, 105]).toString('base64'),
        oidcToken: {serviceAccountEmail: 'node@demo.iam.gserviceaccount.com', audience: url},
      },
      scheduleTime: {seconds: Math.floor(Date.now() / 1000)},
    },
  });
  const [tasks] = await client.listTasks({parent: name});
  const refused = {};
  for (const [key, call] of Object.entries({
    again: () => client.createTask({parent: name, task}),
    missing: () => client.getTask({name: `${name}/tasks/none`}),
    noQueue: () => client.getQueue({name: `${name}-none`}),
  })) {
    await call().then(() => { refused[key] = null; }, error => { refused[key] = error.code; });
  }
  await client.resumeQueue({name});
  console.log(JSON.stringify({
    burst: queue.rateLimits.maxBurstSize, queue: queue.name, task: task.name,
    listed: tasks.map(each => each.name), refused,
  }));
  await client.close();
}

main().catch(error => { console.error(error); process.exit(1); });
