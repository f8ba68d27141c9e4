// Drive the guide's fetch wrapper as a browser would: node wrapper.mjs <module>, with AUTH and API in the environment.
// Prints what happened as one JSON object.
const { createApi, SignedOut } = await import(process.argv[2]);
const { AUTH, API } = process.env;

const cookies = new Map();
let tokensAsked = 0;
let refusals = 0; // how many more calls go out with a token that is none
let authIsDown = false;

async function browserFetch(url, init = {}) {
  const headers = new Headers(init.headers);
  if (url.startsWith(AUTH)) {
    if (init.credentials === "include") headers.set("Cookie", [...cookies].map((pair) => pair.join("=")).join("; "));
    headers.set("Origin", AUTH);
  }
  if (url.endsWith("/api/auth/token")) {
    tokensAsked += 1;
    if (authIsDown) return new Response("down", { status: 503 });
  } else if (url.startsWith(API) && refusals-- > 0) {
    headers.set("Authorization", "Bearer no-token-at-all");
  }
  const response = await fetch(url, { ...init, headers });
  for (const cookie of response.headers.getSetCookie()) {
    const [name, value] = cookie.split(";")[0].split("=", 2);
    cookies.set(name, value);
  }
  return response;
}

function post(path, body) {
  const headers = { "Content-Type": "application/json" };
  return browserFetch(AUTH + path, { method: "POST", credentials: "include", headers, body: JSON.stringify(body) });
}

const result = {};
async function record(name, work) {
  const before = tokensAsked;
  const statuses = await work();
  result[name] = { statuses, tokens: tokensAsked - before };
}
const status = async (call) => (await call).status;
const failure = (call) => call.then(() => "no error", (error) => (error instanceof SignedOut ? "SignedOut" : "Error"));

await post("/api/auth/sign-up/email", { name: "Zoë", email: "zoe@example.com", password: "correct horse battery" });
const api = createApi({ auth: AUTH, api: API, fetch: browserFetch });
const me = () => status(api.fetch("/api/me"));

await record("together", () => Promise.all(Array.from({ length: 8 }, me)));
await record("again", async () => [await me()]);
await record("write", async () => {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"title": "Buy oat milk"}' };
  return [await status(api.fetch("/api/tasks", init))];
});

const now = Date.now;
Date.now = () => now() + 13.9 * 60_000;
await record("before the last minute", async () => [await me()]);
Date.now = () => now() + 14.1 * 60_000;
await record("in the last minute", () => Promise.all([me(), me()]));

refusals = 2;
await record("refused once", () => Promise.all([me(), me()]));
refusals = 100;
await record("refused always", async () => [await me()]);
refusals = 0;

api.forget();
authIsDown = true;
await record("auth down", async () => [await failure(api.fetch("/api/me"))]);
authIsDown = false;
await record("auth up", async () => [await me()]);

await post("/api/auth/sign-out", {});
api.forget();
await record("signed out", async () => [await failure(api.fetch("/api/me"))]);

process.stdout.write(JSON.stringify(result));
