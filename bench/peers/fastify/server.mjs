// Fastify + postgres.js + jose: what a TypeScript developer would write instead.
import Fastify from 'fastify';
import { jwtVerify } from 'jose';
import postgres from 'postgres';

// postgres.js reads the standard PGHOST, PGUSER and PGDATABASE.
const sql = postgres({ max: Number(process.env.BENCH_POOL) });
const key = new TextEncoder().encode(process.env.BETTER_AUTH_SECRET);
const columns = sql`id, title, description, completed, created_at, updated_at`;

const title = { type: 'string', minLength: 1, maxLength: 200 };
const description = { type: ['string', 'null'], maxLength: 10000 };
const completed = { type: 'boolean' };
const task = {
  type: 'object',
  properties: {
    id: { type: 'integer' },
    title: { type: 'string' },
    description: { type: ['string', 'null'] },
    completed,
    created_at: { type: 'string', format: 'date-time' },
    updated_at: { type: 'string', format: 'date-time' },
  },
};
const page = {
  type: 'object',
  properties: { items: { type: 'array', items: task }, next_cursor: { type: ['string', 'null'] } },
};
const whole = { type: 'object', required: ['title'], properties: { title, description, completed } };
const part = { type: 'object', properties: { title, description, completed } };
const query = {
  type: 'object',
  properties: {
    limit: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
    cursor: { type: 'string' },
    q: { type: 'string', default: '' },
  },
};
const id = { type: 'object', properties: { id: { type: 'integer' } } };

const app = Fastify({ logger: false });
app.decorateRequest('user', '');

app.addHook('onRequest', async (request, reply) => {
  const header = request.headers.authorization ?? '';
  try {
    const { payload } = await jwtVerify(header.slice(7), key, { algorithms: ['HS256'], requiredClaims: ['sub', 'exp'] });
    request.user = payload.sub;
  } catch {
    return reply.code(401).send({ detail: 'Sign in first.' });
  }
});

function oneOr404(reply, rows) {
  return rows.length ? rows[0] : reply.code(404).send({ detail: 'No such task.' });
}

// A Date holds milliseconds only, so the cursor carries the database's own text.
function cursorAfter(row) {
  return Buffer.from(`${row.moment}|${row.id}`).toString('base64url');
}

app.get('/api/tasks', { schema: { querystring: query, response: { 200: page } } }, async (request) => {
  const { limit, cursor, q } = request.query;
  let filter = sql`user_id = ${request.user}`;
  for (const word of q.split(/\s+/).filter(Boolean)) {
    const pattern = `%${word}%`;
    filter = sql`${filter} and (title ilike ${pattern} or description ilike ${pattern})`;
  }
  if (cursor) {
    const [moment, last] = Buffer.from(cursor, 'base64url').toString().split('|');
    filter = sql`${filter} and (created_at, id) < (${moment}, ${last})`;
  }
  const rows = await sql`
    select ${columns}, created_at::text as moment from task where ${filter} order by created_at desc, id desc limit ${limit + 1}`;
  const items = rows.slice(0, limit);
  return { items, next_cursor: rows.length > limit ? cursorAfter(items[limit - 1]) : null };
});

app.post('/api/tasks', { schema: { body: whole, response: { 201: task } } }, async (request, reply) => {
  const { title, description = null, completed = false } = request.body;
  const rows = await sql`
    insert into task (user_id, title, description, completed)
    values (${request.user}, ${title.trim()}, ${description}, ${completed}) returning ${columns}`;
  reply.code(201);
  return rows[0];
});

app.get('/api/tasks/:id', { schema: { params: id, response: { 200: task } } }, async (request, reply) => {
  const rows = await sql`select ${columns} from task where user_id = ${request.user} and id = ${request.params.id}`;
  return oneOr404(reply, rows);
});

async function change(request, reply, values) {
  const rows = await sql`
    update task set ${sql(values)}, updated_at = now()
    where user_id = ${request.user} and id = ${request.params.id} returning ${columns}`;
  return oneOr404(reply, rows);
}

app.put('/api/tasks/:id', { schema: { params: id, body: whole, response: { 200: task } } }, (request, reply) => {
  const { title, description = null, completed = false } = request.body;
  return change(request, reply, { title, description, completed });
});

app.patch('/api/tasks/:id', { schema: { params: id, body: part, response: { 200: task } } }, (request, reply) =>
  change(request, reply, request.body),
);

const done = { type: 'object', properties: { completed } };
app.patch('/api/tasks/:id/complete', { schema: { params: id, body: done, response: { 200: task } } }, (request, reply) =>
  change(request, reply, { completed: request.body.completed ?? true }),
);

app.delete('/api/tasks/:id', { schema: { params: id } }, async (request, reply) => {
  const result = await sql`delete from task where user_id = ${request.user} and id = ${request.params.id}`;
  return result.count ? reply.code(204).send() : reply.code(404).send({ detail: 'No such task.' });
});

await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
