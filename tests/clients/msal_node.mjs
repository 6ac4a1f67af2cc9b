// packages: @azure/msal-node@7.2.3
// Microsoft's sign-in library for Node.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { ConfidentialClientApplication, PublicClientApplication } from "@azure/msal-node";

const { SIMULATOR_URL: url, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: secret } = process.env;
const PUBLIC = "14d82eec-204b-4c2f-b7e8-296a70dab67e"; // Microsoft Graph Command Line Tools
const knownAuthorities = [new URL(url).host];
const scopes = ["https://graph.microsoft.com/.default"];

async function operation(name, act) {
  try {
    await act();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`no ${name}: ${error.name}: ${error.message}`.replaceAll("\n", " "));
  }
}

function check(isTrue, what) {
  if (!isTrue) throw new Error(what);
}

const confidential = (clientSecret) =>
  new ConfidentialClientApplication({ auth: { clientId, clientSecret, authority: `${url}/${tenant}`, knownAuthorities } });

async function use({ accessToken }) {
  const headers = { Authorization: `Bearer ${accessToken}` };
  const answer = await fetch(`${url}/v1.0/users/user1@contoso.com?$select=id`, { headers });
  check(answer.status === 200, `status ${answer.status}`);
}

// A browser that follows redirects and sends the form on a page, as a script on it would.
async function browse(address) {
  const page = await (await fetch(address)).text();
  const action = page.match(/<form method="post" action="([^"]*)"/)?.[1];
  if (!action) return;
  const fields = [...page.matchAll(/name="([^"]*)" value="([^"]*)"/g)].map(([, name, value]) => [name, plain(value)]);
  await fetch(plain(action), { method: "POST", body: new URLSearchParams(fields), headers: { Connection: "close" } });
}

const plain = (text) => text.replaceAll("&#39;", "'").replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&amp;", "&");

await operation("secret", async () => use(await confidential(secret).acquireTokenByClientCredential({ scopes })));
await operation("wrong secret is refused", async () => {
  const refusal = await confidential("wrong").acquireTokenByClientCredential({ scopes }).catch((error) => error);
  check(refusal.errorCode === "invalid_client", String(refusal));
});
await operation("certificate", async () => {
  const pem = readFileSync(process.env.APP_CERTIFICATE, "utf8");
  const x5c = pem.slice(pem.indexOf("-----BEGIN CERTIFICATE"));
  const thumbprintSha256 = new X509Certificate(x5c).fingerprint256.replaceAll(":", "");
  const clientCertificate = { thumbprintSha256, privateKey: pem.slice(0, pem.indexOf("-----BEGIN CERTIFICATE")), x5c };
  const auth = { clientId, clientCertificate, authority: `${url}/${tenant}`, knownAuthorities };
  await use(await new ConfidentialClientApplication({ auth }).acquireTokenByClientCredential({ scopes }));
});
await operation("browser with PKCE, silent", async () => {
  const auth = { clientId: PUBLIC, authority: `${url}/organizations`, knownAuthorities };
  const app = new PublicClientApplication({ auth });
  const openBrowser = async (address) => void browse(address);
  const first = await app.acquireTokenInteractive({ scopes: ["User.Read.All"], openBrowser });
  check(first.account.username === "admin@contoso.com", first.account.username);
  await use(first);
  await use(await app.acquireTokenSilent({ scopes: ["User.Read.All"], account: first.account, forceRefresh: true }));
});
await operation("device code, silent, renewed", async () => {
  const auth = { clientId: PUBLIC, authority: `${url}/organizations`, knownAuthorities };
  const app = new PublicClientApplication({ auth });
  const first = await app.acquireTokenByDeviceCode({ scopes: ["User.Read.All"], deviceCodeCallback: () => {} });
  check(first.account.username === "admin@contoso.com", first.account.username);
  check(first.tenantId === tenant, first.tenantId);
  await use(first);
  const request = { scopes: ["User.Read.All"], account: first.account };
  await use(await app.acquireTokenSilent(request));
  const renewed = await app.acquireTokenSilent({ ...request, forceRefresh: true });
  check(renewed.accessToken !== first.accessToken, "the same token");
  await use(renewed);
});
