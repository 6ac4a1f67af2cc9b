# packages: requests==2.34.2
# The most common HTTP client in Python, as scripts use it against Graph.
import os

import requests

URL, TENANT = os.environ["SIMULATOR_URL"], os.environ["AZURE_TENANT_ID"]
client = requests.Session()
client.verify = os.environ["REQUESTS_CA_BUNDLE"]
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


def sign_in(secret):
    return client.post(f"{URL}/{TENANT}/oauth2/v2.0/token", timeout=30, data={
        "grant_type": "client_credentials", "client_id": os.environ["AZURE_CLIENT_ID"],
        "client_secret": secret, "scope": "https://graph.microsoft.com/.default",
    })


def get(path, headers=None, **params):
    return client.get(path if path.startswith("http") else f"{URL}/v1.0{path}", params=params, headers=headers, timeout=30)


def upn(number):
    return f"user{number}@contoso.com"


def names(page):
    return [user["userPrincipalName"].split("@")[0] for user in page["value"]]


def reset(user, password):
    body = {"passwordProfile": {"password": password, "forceChangePasswordNextSignIn": True}}
    return client.patch(f"{URL}/v1.0/users/{user}", json=body, timeout=30)


def batch(start, count):
    items = [{"id": str(number), "method": "PATCH", "url": f"/users/{upn(number)}", "headers": {"Content-Type": "application/json"},
              "body": {"passwordProfile": {"password": f"Correct-Horse-{number}"}}} for number in range(start, start + count)]
    return client.post(f"{URL}/v1.0/$batch", json={"requests": items}, timeout=30)


def refused(answer, status, code):
    said = answer.json()["error"]
    check(answer.status_code == status and said["code"] == code and said["message"], f"{answer.status_code} {said}")


@operation("token by client secret")
def _():
    wrong = sign_in("wrong")
    check(wrong.status_code == 401 and wrong.json()["error"] == "invalid_client", wrong.text)
    answer = sign_in(os.environ["AZURE_CLIENT_SECRET"]).json()
    check(answer["token_type"] == "Bearer" and answer["expires_in"] > 0)
    client.headers["Authorization"] = f"Bearer {answer['access_token']}"


@operation("list, pages")
def _():
    answer, seen, pages = get("/users", **{"$top": "20", "$select": "id,userPrincipalName"}), [], 0
    while True:
        answer.raise_for_status()
        page, pages = answer.json(), pages + 1
        seen += page["value"]
        if "@odata.nextLink" not in page:
            break
        answer = get(page["@odata.nextLink"])
    check(pages == 3 and len({user["id"] for user in seen}) == 50, f"{pages} pages, {len(seen)} users")
    check(all(set(user) == {"id", "userPrincipalName"} for user in seen), seen[0])


@operation("filter")
def _():
    check(names(get("/users", **{"$filter": "accountEnabled eq false"}).json()) == ["user44"])
    check(len(names(get("/users", **{"$filter": f"userPrincipalName in ('{upn(1)}', '{upn(2)}')"}).json())) == 2)
    check(get("/users", **{"$filter": "displayName eq 'O''Brien & Söhne + 1'"}).json()["value"] == [])


@operation("advanced filter, search")
def _():
    params = {"$filter": "userType ne 'Member'", "$count": "true"}
    page = get("/users", EVENTUAL, **params).json()
    check(names(page) == ["user43"] and page["@odata.count"] == 1, page)
    refused(get("/users", **params), 400, "Request_UnsupportedQuery")
    params = {"$search": '"displayName:user4"', "$orderby": "displayName desc", "$count": "true"}
    page = get("/users", EVENTUAL, **params).json()
    check(names(page)[0] == "user49" and page["@odata.count"] == 11, page)
    refused(get("/users", **params), 400, "Request_UnsupportedQuery")


@operation("count")
def _():
    check(get("/users/$count", EVENTUAL).text == "50")
    check(get("/users/$count", EVENTUAL, **{"$filter": "userType eq 'Guest'"}).text == "1")
    refused(get("/users/$count"), 400, "Request_BadRequest")


@operation("get, select")
def _():
    user = get(f"/users/{upn(1)}", **{"$select": "userPrincipalName,accountEnabled,lastPasswordChangeDateTime"}).json()
    check(user.pop("@odata.context").endswith("/$entity"))
    check(set(user) == {"userPrincipalName", "accountEnabled", "lastPasswordChangeDateTime"}, user)


@operation("password")
def _():
    answer = reset(upn(1), "Correct-Horse-7")
    check(answer.status_code == 204 and answer.content == b"", answer.text)


@operation("batch of 20 passwords")
def _():
    answers = batch(1, 20).json()["responses"]
    check(sorted(int(item["id"]) for item in answers) == list(range(1, 21)))
    check(all(item["status"] == 204 for item in answers), answers[0])
    refused(batch(1, 21), 400, "BadRequest")


@operation("refusals")
def _():
    refused(reset(upn(1), "short"), 400, "Request_BadRequest")
    refused(reset(upn(40), "Correct-Horse-7"), 403, "Authorization_RequestDenied")
    refused(reset("nobody@contoso.com", "Correct-Horse-7"), 404, "Request_ResourceNotFound")
    refused(requests.get(f"{URL}/v1.0/users", verify=client.verify, timeout=30), 401, "InvalidAuthenticationToken")


# The last one, because it spends the quota of writes. The quota also grows meanwhile, so one try may not be enough.
@operation("429 with Retry-After")
def _():
    late = []
    for _ in range(400):
        late += [item for item in batch(1, 20).json()["responses"] if item["status"] == 429]
        answer = reset(upn(1), "Correct-Horse-7")
        if late and answer.status_code == 429:
            break
    check(late and int(late[0]["headers"]["Retry-After"]) > 0, "the quota does not end")
    refused(answer, 429, "TooManyRequests")
    check(int(answer.headers["Retry-After"]) > 0, answer.headers)
