# packages: azure-identity==1.27.0 msal==1.39.0 cryptography==50.0.2
"""The credentials of Azure's SDK for Python."""
import base64
import html
import json
import os
import sys
import tempfile
import time

import requests
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    CertificateCredential,
    ClientAssertionCredential,
    ClientSecretCredential,
    DefaultAzureCredential,
    DeviceCodeCredential,
    InteractiveBrowserCredential,
    WorkloadIdentityCredential,
)

URL, TENANT = os.environ["SIMULATOR_URL"], os.environ["AZURE_TENANT_ID"]
CLIENT, SECRET = os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"]
SCOPE = "https://graph.microsoft.com/.default"
HERE = {"authority": URL, "disable_instance_discovery": True}


def operation(name, act):
    try:
        act()
        print(f"ok {name}")
    except Exception as error:  # whatever a client raises is its answer
        print(f"no {name}: {type(error).__name__}: {error}".replace("\n", " "))


def use(credential):
    bearer = {"Authorization": f"Bearer {credential.get_token(SCOPE).token}"}
    answer = requests.get(f"{URL}/v1.0/users/user1@contoso.com?$select=id", headers=bearer)
    assert answer.status_code == 200, answer.text


def wrong_secret():
    try:
        ClientSecretCredential(TENANT, CLIENT, "wrong", **HERE).get_token(SCOPE)
    except ClientAuthenticationError as error:
        assert "AADSTS7000215" in str(error), error
        return
    raise AssertionError("a token")


def token_of_ci(subject="repo:one"):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    claims = {"iss": "https://ci.example", "sub": subject, "aud": "api://AzureADTokenExchange", "exp": time.time() + 300}
    return f"{part({'alg': 'RS256'})}.{part(claims)}.eA"


def workload():
    file = tempfile.NamedTemporaryFile("w", suffix=".jwt", delete=False)
    file.write(token_of_ci())
    file.close()
    use(WorkloadIdentityCredential(tenant_id=TENANT, client_id=CLIENT, token_file_path=file.name, **HERE))


def browser():
    # The browser of this machine: this script with an address.
    os.environ["BROWSER"] = f"{sys.executable} {os.path.abspath(__file__)} %s"
    use(InteractiveBrowserCredential(tenant_id=TENANT, timeout=20, **HERE))


def browse(url):
    """A browser that follows redirects and sends the form on a page, as a script on it would."""
    page = requests.get(url).text
    if "<form" in page:
        fields = [part.split('" value="', 1) for part in page.split('name="')[1:]]
        fields = {name: html.unescape(rest.split('"', 1)[0]) for name, rest in fields}
        requests.post(html.unescape(page.split('action="', 1)[1].split('"', 1)[0]), fields)


if len(sys.argv) == 2:
    if os.fork() == 0:
        browse(sys.argv[1])
    sys.exit()
operation("secret", lambda: use(ClientSecretCredential(TENANT, CLIENT, SECRET, **HERE)))
operation("wrong secret is refused", wrong_secret)
operation("environment", lambda: use(DefaultAzureCredential(exclude_managed_identity_credential=True, **HERE)))
certificate = lambda **more: CertificateCredential(TENANT, CLIENT, os.environ["APP_CERTIFICATE"], **more, **HERE)
operation("certificate", lambda: use(certificate()))
operation("certificate with its chain", lambda: use(certificate(send_certificate_chain=True)))
operation("federation", lambda: use(ClientAssertionCredential(TENANT, CLIENT, token_of_ci, **HERE)))
operation("workload identity", workload)
operation("device code", lambda: use(DeviceCodeCredential(tenant_id=TENANT, prompt_callback=lambda *told: None, **HERE)))
operation("browser", browser)
