// packages: @pnp/graph@4.21.0 @pnp/queryable@4.21.0
// PnPjs for Graph: what a script does with the accounts of a tenant.
import { AdvancedQuery, graphfi, GraphBrowser, graphPost, Paged } from "@pnp/graph";
import { body, InjectHeaders } from "@pnp/queryable";
import "@pnp/graph/users/index.js";
import "@pnp/graph/groups/index.js";
import "@pnp/graph/members/index.js";
import "@pnp/graph/batching.js";
import "@pnp/graph/directory-objects/index.js";

const { SIMULATOR_URL: url, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: clientId, AZURE_CLIENT_SECRET: secret } = process.env;

async function operation(name, act) {
  try {
    await act();
    console.log(`ok ${name}`);
  } catch (error) {
    console.log(`no ${name}: ${error.name}: ${error.message}`.replaceAll("\n", " "));
  }
}

function check(isTrue, what) {
  if (!isTrue) throw new Error(JSON.stringify(what));
}

const form = new URLSearchParams({
  grant_type: "client_credentials", client_id: clientId, client_secret: secret, scope: "https://graph.microsoft.com/.default",
});
const signedIn = await (await fetch(`${url}/${tenant}/oauth2/v2.0/token`, { method: "POST", body: form })).json();
const headers = { Authorization: `Bearer ${signedIn.access_token}` };
const graph = graphfi().using(GraphBrowser({ baseUrl: `${url}/v1.0` }), InjectHeaders(headers));
const advanced = InjectHeaders({ ConsistencyLevel: "eventual" });
const upn = (number) => `user${number}@contoso.com`;
const password = (value) => ({ passwordProfile: { password: value, forceChangePasswordNextSignIn: true } });

await operation("list", async () => check((await graph.users()).length === 50));
await operation("select, top", async () => {
  const users = await graph.users.select("id", "userPrincipalName").top(5)();
  check(users.length === 5 && Object.keys(users[0]).length === 2, users);
});
await operation("pages", async () => {
  let seen = 0;
  for await (const page of graph.users.top(7)) seen += page.length;
  check(seen === 50, seen);
});
await operation("filter", async () => {
  const users = await graph.users.filter("accountEnabled eq false")();
  check(users.length === 1 && users[0].userPrincipalName === upn(44), users);
});
await operation("search, orderBy", async () => {
  const users = await graph.users.using(advanced).search('"displayName:user4"').orderBy("displayName", false)();
  check(users[0].userPrincipalName === upn(49), users);
});
await operation("get", async () => {
  const user = await graph.users.getById(upn(1)).select("id", "department")();
  check(user.department === null && user.id, user);
});
// PnPjs's own count() drops the number: its Paged() does not look for it.
await operation("count", async () => {
  const page = await graph.users.using(AdvancedQuery(), Paged(true)).top(1)();
  check(page.count === 50 && page.hasNext, page.count);
});
await operation("expand", async () => {
  const user = await graph.users.getById(upn(41)).select("id").expand("memberOf")();
  check(user.memberOf[0].displayName === "Helpdesk staff", user);
});
await operation("password", async () => {
  await graph.users.getById(upn(1)).update(password("Correct-Horse-7"));
});
await operation("create, delete", async () => {
  const account = { accountEnabled: true, displayName: "Eve", mailNickname: "eve", userPrincipalName: "eve@contoso.com" };
  const made = await graphPost(graph.users, body({ ...account, ...password("Correct-Horse-7") }));
  await graph.users.getById(made.id).delete();
  check((await graph.users.filter("displayName eq 'Eve'")()).length === 0);
});
await operation("refusals", async () => {
  for (const [act, status] of [
    [() => graph.users.getById("nobody@contoso.com")(), 404],
    [() => graph.users.getById(upn(1)).update(password("short")), 400],
    [() => graph.users.getById(upn(40)).update(password("Correct-Horse-7")), 403],
    [() => graph.users.top(1000)(), 400],
  ]) {
    const error = await act().then(() => undefined, (error) => error);
    check(error?.status === status, `${status}: ${error?.status} ${error?.message}`);
  }
});
await operation("batch of passwords", async () => {
  const [batched, execute] = graph.batched();
  const answers = [];
  for (let number = 2; number < 20; number++) {
    answers.push(batched.users.getById(upn(number)).update(password(`Correct-Horse-${number}`)));
  }
  await execute();
  await Promise.all(answers);
});
await operation("batch of reads", async () => {
  const [batched, execute] = graph.batched();
  const users = [1, 2, 3].map((number) => batched.users.getById(upn(number)).select("userPrincipalName")());
  await execute();
  check((await Promise.all(users)).map((user) => user.userPrincipalName).join() === [1, 2, 3].map(upn).join());
});
await operation("memberships", async () => {
  const user = graph.users.getById(upn(41));
  const groups = await user.getMemberGroups(true);
  check((await user.checkMemberGroups(groups)).length === 1, groups);
  const members = await graph.groups.getById(groups[0]).members();
  check(members[0].userPrincipalName === upn(41), members);
  check((await user.memberOf()).length === 1);
});
