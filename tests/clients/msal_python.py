# packages: msal==1.39.0 PyJWT==2.15.1 cryptography==50.0.2
"""Microsoft's sign-in library for Python, and PyJWT to verify what it gets."""
import html
import os
import threading

import jwt
import msal
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes

URL, TENANT = os.environ["SIMULATOR_URL"], os.environ["AZURE_TENANT_ID"]
CLIENT, SECRET = os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
PUBLIC = "14d82eec-204b-4c2f-b7e8-296a70dab67e"  # Microsoft Graph Command Line Tools
GRAPH = ["https://graph.microsoft.com/.default"]


def operation(name, act):
    try:
        act()
        print(f"ok {name}")
    except Exception as error:  # whatever a client raises is its answer
        print(f"no {name}: {type(error).__name__}: {error}".replace("\n", " "))


def public(tenant):
    return msal.PublicClientApplication(PUBLIC, authority=f"{URL}/{tenant}", instance_discovery=False)


def confidential(secret=SECRET, **options):
    return msal.ConfidentialClientApplication(CLIENT, client_credential=secret, instance_discovery=False, **options)


def use(result):
    assert "access_token" in result, result
    bearer = {"Authorization": f"Bearer {result['access_token']}"}
    answer = requests.get(f"{URL}/v1.0/users/user1@contoso.com?$select=id", headers=bearer)
    assert answer.status_code == 200, answer.text


def secret():
    use(confidential(authority=f"{URL}/{TENANT}").acquire_token_for_client(GRAPH))


def domain():
    use(confidential(authority=f"{URL}/contoso.com").acquire_token_for_client(GRAPH))


def oidc_authority():
    use(confidential(oidc_authority=f"{URL}/{TENANT}/v2.0").acquire_token_for_client(GRAPH))


def wrong_secret():
    result = confidential("wrong", authority=f"{URL}/{TENANT}").acquire_token_for_client(GRAPH)
    assert result["error"] == "invalid_client" and 7000215 in result["error_codes"], result


def certificate(**more):
    pem = open(os.environ["APP_CERTIFICATE"]).read()
    key, public = pem[: pem.index("-----BEGIN CERTIFICATE")], pem[pem.index("-----BEGIN CERTIFICATE") :]
    credential = {"private_key": key, "public_certificate": public, **more}
    use(confidential(credential, authority=f"{URL}/{TENANT}").acquire_token_for_client(GRAPH))


def certificate_by_sha1():
    pem = open(os.environ["APP_CERTIFICATE"], "rb").read()
    read = x509.load_pem_x509_certificate(pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    certificate(thumbprint=read.fingerprint(hashes.SHA1()).hex())


def browse(url):
    """A browser that follows redirects and sends the form on a page, as a script on it would."""
    page = requests.get(url).text
    if "<form" in page:
        fields = [part.split('" value="', 1) for part in page.split('name="')[1:]]
        fields = {name: html.unescape(rest.split('"', 1)[0]) for name, rest in fields}
        requests.post(html.unescape(page.split('action="', 1)[1].split('"', 1)[0]), fields)


def interactive():
    app = public("organizations")
    start = lambda url: threading.Thread(target=browse, args=(url,)).start()
    result = app.acquire_token_interactive(["User.Read.All"], auth_uri_callback=start, timeout=20)
    use(result)
    assert result["id_token_claims"]["preferred_username"] == "admin@contoso.com", result["id_token_claims"]
    use(app.acquire_token_silent(["User.Read.All"], account=app.get_accounts()[0], force_refresh=True))


def code_flow():
    app = confidential(authority=f"{URL}/{TENANT}")
    flow = app.initiate_auth_code_flow(["User.Read"], redirect_uri="http://localhost:5000/back", response_mode="form_post")
    page = requests.get(flow["auth_uri"]).text
    fields = {}
    for part in page.split('name="')[1:]:
        name, rest = part.split('" value="', 1)
        fields[name] = rest.split('"', 1)[0]
    use(app.acquire_token_by_auth_code_flow(flow, fields))
    again = app.acquire_token_by_auth_code_flow(flow, fields)
    assert 54005 in again["error_codes"], again


def device_code():
    app = public("organizations")
    flow = app.initiate_device_flow(scopes=["User.Read.All"])
    assert flow["verification_uri"].startswith(URL), flow
    use(app.acquire_token_by_device_flow(flow))
    (account,) = app.get_accounts()
    assert account["username"] == "admin@contoso.com", account
    assert account["home_account_id"].endswith(f".{TENANT}"), account
    kept = app.acquire_token_silent(["User.Read.All"], account=account)
    use(kept)
    renewed = app.acquire_token_silent(["User.Read.All"], account=account, force_refresh=True)
    use(renewed)
    assert renewed["access_token"] != kept["access_token"]


def verify():
    app = public(TENANT)
    result = app.acquire_token_by_device_flow(app.initiate_device_flow(scopes=["User.Read"]))
    about = requests.get(f"{URL}/{TENANT}/v2.0/.well-known/openid-configuration").json()
    key = jwt.PyJWKClient(about["jwks_uri"]).get_signing_key_from_jwt(result["id_token"])
    claims = jwt.decode(result["id_token"], key, ["RS256"], audience=PUBLIC, issuer=about["issuer"])
    assert claims["tid"] == TENANT and claims["preferred_username"] == "admin@contoso.com", claims
    access = jwt.decode(result["access_token"], key, ["RS256"], audience="https://graph.microsoft.com")
    assert access["app_displayname"] == "Microsoft Graph Command Line Tools", access


operation("secret", secret)
operation("secret, tenant by domain", domain)
operation("secret, OpenID authority", oidc_authority)
operation("wrong secret is refused", wrong_secret)
operation("certificate", certificate)
operation("certificate by SHA-1 thumbprint", certificate_by_sha1)
operation("browser with PKCE, silent, renewed", interactive)
operation("code flow of a web application", code_flow)
operation("device code, silent, renewed", device_code)
operation("verify tokens", verify)
