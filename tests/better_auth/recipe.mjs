// Serve the `auth` of a module that the guide shows: node recipe.mjs <module> <port>
import { serve } from "./serve.mjs";

const [, , module, port] = process.argv;
const { auth } = await import(module);
await serve(auth, Number(port));
