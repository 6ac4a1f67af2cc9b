# packages: httpx==0.28.1
# A plain HTTP client, as scripts in Python use it against Graph.
import os
import ssl

import httpx

URL, TENANT = os.environ["SIMULATOR_URL"], os.environ["AZURE_TENANT_ID"]
client = httpx.Client(verify=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]), timeout=30)
EVENTUAL = {"ConsistencyLevel": "eventual"}


def operation(name):
    def run(act):
        try:
            act()
            print(f"ok {name}")
        except Exception as error:
            print(f"no {name}: {type(error).__name__}: {error}".replace("\n", " "))

    return run


def check(is_true, what=""):
    if not is_true:
        raise AssertionError(what)


signed_in = client.post(f"{URL}/{TENANT}/oauth2/v2.0/token", data={
    "grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
    "client_secret": os.environ["AZURE_CLIENT_SECRET"], "scope": "https://graph.microsoft.com/.default",
}).json()
client.headers["Authorization"] = f"Bearer {signed_in['access_token']}"


def get(path, headers=None, **params):
    return client.get(path if path.startswith("http") else f"{URL}/v1.0{path}", params=params or None, headers=headers)


def upn(number):
    return f"user{number}@contoso.com"


@operation("pages keep the filter")
def _():
    answer, seen = get("/users", **{"$filter": "userType eq 'Member'", "$top": "9", "$select": "userPrincipalName"}), []
    while True:
        page = answer.json()
        seen += page["value"]
        if "@odata.nextLink" not in page:
            break
        answer = get(page["@odata.nextLink"])
    check(len(seen) == 49 and all(list(user) == ["userPrincipalName"] for user in seen), len(seen))


@operation("advanced query")
def _():
    params = {"$filter": "endsWith(userPrincipalName,'9@contoso.com')", "$count": "true", "$orderby": "userPrincipalName desc"}
    page = get("/users", EVENTUAL, **params).json()
    check(page["@odata.count"] == 5 and page["value"][0]["userPrincipalName"] == upn(9), page)
    check(get("/users", **params).json()["error"]["code"] == "Request_UnsupportedQuery")


@operation("count as text")
def _():
    answer = get("/users/$count", EVENTUAL)
    check(answer.text == "50" and answer.headers["content-type"].startswith("text/plain"), answer.text)


@operation("unknown addresses and options are refused as JSON")
def _():
    for path in ["/v1.0/nonsense", "/nonsense", "/v1.0/users/x/drive", "/v1.0/users?$nonsense=1", "/v1.0/users?$skip=1"]:
        answer = client.get(f"{URL}{path}")
        check(answer.status_code == 400 and answer.json()["error"]["message"], f"{path}: {answer.status_code}")


@operation("batch")
def _():
    requests = [{"id": str(number), "method": "PATCH", "url": f"/users/{upn(number)}", "headers": {"Content-Type": "application/json"},
                 "body": {"passwordProfile": {"password": f"Correct-Horse-{number}"}}} for number in range(1, 19)]
    requests += [{"id": "version", "method": "GET", "url": f"/v1.0/users/{upn(1)}"},
                 {"id": "count", "method": "GET", "url": "/users/$count", "headers": EVENTUAL}]
    answers = {item["id"]: item for item in client.post(f"{URL}/v1.0/$batch", json={"requests": requests}).json()["responses"]}
    check(all(answers[str(number)]["status"] == 204 and answers[str(number)].get("body") is None for number in range(1, 19)))
    check(answers["version"]["status"] == 400 and answers["count"]["body"] == 50, answers["version"])
