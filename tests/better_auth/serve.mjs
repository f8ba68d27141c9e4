import { createServer } from "node:http";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";

// Make the tables of `auth`, serve it on 127.0.0.1 and say so in a line; `extra` maps paths to functions of JSON.
export async function serve(auth, port, extra = {}) {
  await (await getMigrations(auth.options)).runMigrations();
  const handle = toNodeHandler(auth);
  const server = createServer((request, response) => {
    const answer = extra[request.url];
    return answer ? response.end(JSON.stringify(answer())) : handle(request, response);
  });
  await new Promise((resolve, reject) => server.once("error", reject).listen(port, "127.0.0.1", resolve));
  process.stdout.write("serving\n");
}
