# packages: aiohttp==3.14.5
# The most common asynchronous HTTP client in Python: many requests at once over a few connections.
import asyncio
import os
import ssl

import aiohttp

URL, TENANT = os.environ["SIMULATOR_URL"], os.environ["AZURE_TENANT_ID"]
EVENTUAL = {"ConsistencyLevel": "eventual"}


def check(is_true, what=""):
    if not is_true:
        raise AssertionError(what)


async def operation(name, act):
    try:
        await act()
        print(f"ok {name}")
    except Exception as error:
        print(f"no {name}: {type(error).__name__}: {error}".replace("\n", " "))


def upn(number):
    return f"user{number}@contoso.com"


def names(page):
    return [user["userPrincipalName"].split("@")[0] for user in page["value"]]


def write(password):
    return {"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": True}}


class Graph:
    def __init__(self, client):
        self.client, self.headers = client, {}

    # Each answer is its status, its headers and its JSON, or its text if it is not JSON.
    async def ask(self, method, path, headers=None, **options):
        address = path if path.startswith("http") else f"{URL}/v1.0{path}"
        async with self.client.request(method, address, headers={**self.headers, **(headers or {})}, **options) as answer:
            body = await answer.json() if answer.content_type == "application/json" else await answer.text()
            return answer.status, answer.headers, body

    async def get(self, path, headers=None, **params):
        status, _, body = await self.ask("GET", path, headers, params=params)
        check(status == 200, f"{status} {body}")
        return body

    async def reset(self, user, password):
        return await self.ask("PATCH", f"/users/{user}", json=write(password))

    async def batch(self, first, count):
        items = [{"id": str(number), "method": "PATCH", "url": f"/users/{upn(number)}", "body": write(f"Correct-Horse-{number}"),
                  "headers": {"Content-Type": "application/json"}} for number in range(first, first + count)]
        return await self.ask("POST", "/$batch", json={"requests": items})

    async def sign_in(self, secret):
        return await self.ask("POST", f"{URL}/{TENANT}/oauth2/v2.0/token", data={
            "grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
            "client_secret": secret, "scope": "https://graph.microsoft.com/.default",
        })


async def refused(request, status, code):
    got, _, body = await request
    check(got == status and body["error"]["code"] == code and body["error"]["message"], f"{got} {body}")


async def operations(graph):
    async def token():
        status, _, body = await graph.sign_in("wrong")
        check(status == 401 and body["error"] == "invalid_client", body)
        _, _, body = await graph.sign_in(os.environ["AZURE_CLIENT_SECRET"])
        graph.headers = {"Authorization": f"Bearer {body['access_token']}"}

    async def pages():
        page, seen = await graph.get("/users", **{"$top": "20", "$select": "id,userPrincipalName"}), []
        while True:
            seen += page["value"]
            if "@odata.nextLink" not in page:
                break
            page = await graph.get(page["@odata.nextLink"])
        check(len({user["id"] for user in seen}) == 50 and set(seen[0]) == {"id", "userPrincipalName"}, len(seen))

    async def filters():
        check(names(await graph.get("/users", **{"$filter": "accountEnabled eq false"})) == ["user44"])
        check((await graph.get("/users", **{"$filter": "displayName eq 'O''Brien & Söhne + 1'"}))["value"] == [])

    async def advanced():
        params = {"$filter": "userType ne 'Member'", "$count": "true"}
        page = await graph.get("/users", EVENTUAL, **params)
        check(names(page) == ["user43"] and page["@odata.count"] == 1, page)
        await refused(graph.ask("GET", "/users", params=params), 400, "Request_UnsupportedQuery")
        params = {"$search": '"displayName:user4"', "$orderby": "displayName desc", "$count": "true"}
        page = await graph.get("/users", EVENTUAL, **params)
        check(names(page)[0] == "user49" and page["@odata.count"] == 11, page)

    async def count():
        check(await graph.get("/users/$count", EVENTUAL) == "50")
        await refused(graph.ask("GET", "/users/$count"), 400, "Request_BadRequest")

    async def at_once():
        users = await asyncio.gather(*[graph.get(f"/users/{upn(number)}", **{"$select": "userPrincipalName"}) for number in range(1, 51)])
        check([user["userPrincipalName"] for user in users] == [upn(number) for number in range(1, 51)])
        answers = await asyncio.gather(*[graph.reset(upn(number), f"Correct-Horse-{number}") for number in range(1, 31)])
        check(all((status, body) == (204, "") for status, _, body in answers), answers[0])

    async def batches():
        for status, _, body in await asyncio.gather(graph.batch(1, 20), graph.batch(20, 20)):
            check(status == 200 and len(body["responses"]) == 20 and all(item["status"] == 204 for item in body["responses"]), body)
        await refused(graph.batch(1, 21), 400, "BadRequest")

    async def refusals():
        await refused(graph.reset(upn(1), "short"), 400, "Request_BadRequest")
        await refused(graph.reset(upn(40), "Correct-Horse-7"), 403, "Authorization_RequestDenied")
        await refused(graph.reset("nobody@contoso.com", "Correct-Horse-7"), 404, "Request_ResourceNotFound")
        await refused(graph.ask("GET", "/users", {"Authorization": ""}), 401, "InvalidAuthenticationToken")

    # The last one, because it spends the quota of writes. The quota also grows meanwhile, so one try may not be enough.
    async def throttled():
        late = []
        for _ in range(400):
            late += [item for item in (await graph.batch(1, 20))[2]["responses"] if item["status"] == 429]
            status, headers, body = await graph.reset(upn(1), "Correct-Horse-7")
            if late and status == 429:
                break
        check(late and int(late[0]["headers"]["Retry-After"]) > 0, "the quota does not end")
        check(status == 429 and body["error"]["code"] == "TooManyRequests" and int(headers["Retry-After"]) > 0, f"{status} {body}")

    for name, act in [
        ("token by client secret", token), ("list, select, pages", pages), ("filter", filters), ("advanced filter, search", advanced),
        ("count", count), ("50 reads and 30 passwords at once", at_once), ("batches of 20 passwords", batches), ("refusals", refusals),
        ("429 with Retry-After", throttled),
    ]:
        await operation(name, act)


async def main():
    trusted = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]), limit=8)
    async with aiohttp.ClientSession(connector=trusted, timeout=aiohttp.ClientTimeout(total=30)) as client:
        await operations(Graph(client))


asyncio.run(main())
