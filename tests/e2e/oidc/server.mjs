// A real OpenID provider for tests: `node server.mjs SETTINGS.json`.
//
// Settings: {port, keys, lifetime, scopes, clients: [{id, secret}]}; `keys` is the path of a JWKS
// with private keys, of which the first signs. On SIGHUP it reads all of it anew. Each time it is
// ready it prints one line: `ready KID ALG`.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import Provider, { errors } from "oidc-provider";

const RESOURCE = "urn:foregate:"; // followed by the audience of the access tokens

function make() {
  const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
  const jwks = JSON.parse(readFileSync(settings.keys, "utf8"));
  const { alg, kid } = jwks.keys[0];
  const provider = new Provider(`http://127.0.0.1:${settings.port}`, {
    jwks,
    scopes: settings.scopes,
    clients: settings.clients.map(({ id, secret }) => ({
      client_id: id,
      client_secret: secret,
      grant_types: ["client_credentials"],
      redirect_uris: [],
      response_types: [],
      scope: settings.scopes.join(" "),
      id_token_signed_response_alg: alg,
    })),
    enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256", "EdDSA"] },
    ttl: { ClientCredentials: settings.lifetime },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => undefined,
        getResourceServerInfo(_, resource) {
          if (!resource.startsWith(RESOURCE)) throw new errors.InvalidTarget();
          return {
            audience: resource.slice(RESOURCE.length),
            scope: settings.scopes.join(" "),
            accessTokenTTL: settings.lifetime,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg, kid } },
          };
        },
      },
    },
  });
  return { provider, handle: provider.callback(), port: settings.port, said: `ready ${kid} ${alg}` };
}

let now = make();
process.on("SIGHUP", () => {
  now = make();
  console.log(now.said);
});
createServer((request, response) => now.handle(request, response)).listen(
  now.port,
  "127.0.0.1",
  () => console.log(now.said),
);
