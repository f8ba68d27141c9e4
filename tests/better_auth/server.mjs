// A Better Auth server for the tests, set up as its documentation says. The options come as JSON in OPTIONS:
// {secret, database: {…pg options}, port, algorithm?, rotationInterval?, audience?, cookieCache?: "jwks" | "secret",
//  serialIds?, admin?, minimalPayload?}
// GET /last-verification-token stands in for the user's mailbox.
import { betterAuth } from "better-auth";
import { admin, bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";
import pg from "pg";
import { serve } from "./serve.mjs";

const options = JSON.parse(process.env.OPTIONS);
let lastVerificationToken = null;

function sharedSecretSigner() {
  const key = new TextEncoder().encode(options.secret);
  return {
    jwks: { remoteUrl: "https://unused.invalid/jwks.json", keyPairConfig: { alg: "EdDSA" } },
    jwt: { sign: (payload) => new SignJWT(payload).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(key) },
  };
}

function publishedKeys() {
  const { algorithm: alg = "EdDSA", rotationInterval, audience, cookieCache, minimalPayload } = options;
  return {
    jwks: { keyPairConfig: { alg }, rotationInterval },
    jwt: { audience, ...(minimalPayload ? { definePayload: () => ({}) } : {}) },
    sessionCookieCache: cookieCache === "jwks" ? true : undefined,
  };
}

const auth = betterAuth({
  baseURL: `http://localhost:${options.port}`,
  secret: options.secret,
  database: new pg.Pool(options.database),
  advanced: options.serialIds ? { database: { generateId: "serial" } } : {},
  emailAndPassword: { enabled: true },
  emailVerification: {
    sendOnSignUp: true,
    sendVerificationEmail: async ({ token }) => {
      lastVerificationToken = token;
    },
  },
  session: options.cookieCache ? { cookieCache: { enabled: true, strategy: "jwt" } } : {},
  plugins: [
    jwt(options.algorithm === "HS256" ? sharedSecretSigner() : publishedKeys()),
    bearer(),
    ...(options.admin ? [admin()] : []),
  ],
  telemetry: { enabled: false },
});

await serve(auth, options.port, {
  "/last-verification-token": () => ({ token: lastVerificationToken }),
});
