# packages: msgraph-sdk==1.65.0 azure-identity==1.27.0 Deprecated==1.3.1
# Microsoft's Graph SDK for Python, with its sign-in library: what a script does with the accounts of a tenant.
import asyncio
import os
import ssl

import httpx
from azure.identity.aio import ClientSecretCredential
from kiota_abstractions.api_error import APIError
from kiota_abstractions.base_request_configuration import RequestConfiguration
from kiota_authentication_azure.azure_identity_authentication_provider import AzureIdentityAuthenticationProvider
from msgraph import GraphRequestAdapter, GraphServiceClient
from msgraph.graph_request_adapter import options
from msgraph.generated.directory_objects.get_by_ids.get_by_ids_post_request_body import GetByIdsPostRequestBody
from msgraph.generated.groups.groups_request_builder import GroupsRequestBuilder
from msgraph.generated.models.password_profile import PasswordProfile
from msgraph.generated.models.user import User
from msgraph.generated.role_management.directory.role_assignments.role_assignments_request_builder import RoleAssignmentsRequestBuilder
from msgraph.generated.users.count.count_request_builder import CountRequestBuilder
from msgraph.generated.users.item.check_member_groups.check_member_groups_post_request_body import CheckMemberGroupsPostRequestBody
from msgraph.generated.users.item.get_member_groups.get_member_groups_post_request_body import GetMemberGroupsPostRequestBody
from msgraph.generated.users.item.user_item_request_builder import UserItemRequestBuilder
from msgraph.generated.users.users_request_builder import UsersRequestBuilder
from msgraph_core import GraphClientFactory
from msgraph_core.requests.batch_request_content import BatchRequestContent
from msgraph_core.requests.batch_request_item import BatchRequestItem
from msgraph_core.tasks import PageIterator

URL, HOST = os.environ["SIMULATOR_URL"], os.environ["SIMULATOR_URL"].split("//")[1].split(":")[0]


async def operation(name, act):
    try:
        await act()
        print(f"ok {name}")
    except Exception as error:
        print(f"no {name}: {type(error).__name__}: {error}".replace("\n", " ")[:400])


def check(is_true, what=""):
    if not is_true:
        raise AssertionError(what)


async def refused(call, status, code):
    try:
        await call
    except APIError as error:
        check(error.response_status_code == status and error.error.code == code, f"{error.response_status_code} {error.error}")
        return
    raise AssertionError("it was not refused")


def upn(number):
    return f"user{number}@contoso.com"


def profile(password):
    return PasswordProfile(password=password, force_change_password_next_sign_in=True)


def users(eventual=False, **parameters):
    query = UsersRequestBuilder.UsersRequestBuilderGetQueryParameters(**parameters)
    configuration = RequestConfiguration(query_parameters=query)
    if eventual:
        configuration.headers.add("ConsistencyLevel", "eventual")
    return configuration


def names(page):
    return [user.user_principal_name.split("@")[0] for user in page.value]


async def main():
    credential = ClientSecretCredential(
        os.environ["AZURE_TENANT_ID"], os.environ["AZURE_CLIENT_ID"], os.environ["AZURE_CLIENT_SECRET"],
        authority=URL, disable_instance_discovery=True,
    )
    provider = AzureIdentityAuthenticationProvider(
        credential, scopes=["https://graph.microsoft.com/.default"], allowed_hosts=[HOST, URL.split("//")[1]],
    )
    http = GraphClientFactory.create_with_default_middleware(
        client=httpx.AsyncClient(verify=ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"]), http2=True),
        options=options,
    )
    adapter = GraphRequestAdapter(provider, http)
    adapter.base_url = f"{URL}/v1.0"
    graph = GraphServiceClient(request_adapter=adapter)

    async def listing():
        check(len((await graph.users.get()).value) == 50)

    async def select_top():
        page = await graph.users.get(users(select=["id", "userPrincipalName"], top=5))
        check(len(page.value) == 5 and page.value[0].display_name is None and page.odata_next_link)

    async def pages():
        first, seen = await graph.users.get(users(top=7, filter="startsWith(userPrincipalName,'user')")), []
        await PageIterator(first, adapter).iterate(lambda user: seen.append(user) or True)
        check(len(seen) == 50, len(seen))

    async def filters():
        check(names(await graph.users.get(users(filter="accountEnabled eq false"))) == ["user44"])
        check(names(await graph.users.get(users(filter="onPremisesSyncEnabled eq true"))) == ["user42"])
        check(len(names(await graph.users.get(users(filter=f"userPrincipalName in ('{upn(1)}','{upn(2)}')")))) == 2)

    async def advanced():
        page = await graph.users.get(users(True, filter="userType ne 'Member'", count=True))
        check(names(page) == ["user43"] and page.odata_count == 1, page.odata_count)
        await refused(graph.users.get(users(filter="userType ne 'Member'")), 400, "Request_UnsupportedQuery")

    async def search():
        page = await graph.users.get(users(True, search='"displayName:user4"', orderby=["displayName desc"], count=True))
        check(names(page)[0] == "user49", names(page))
        await refused(graph.users.get(users(search='"displayName:user4"')), 400, "Request_UnsupportedQuery")

    async def count():
        configuration = RequestConfiguration()
        configuration.headers.add("ConsistencyLevel", "eventual")
        check(await graph.users.count.get(configuration) == 50)

    async def get():
        user = await graph.users.by_user_id(upn(1)).get()
        check(user.user_principal_name == upn(1) and user.business_phones == [])
        query = UserItemRequestBuilder.UserItemRequestBuilderGetQueryParameters(
            select=["accountEnabled", "lastPasswordChangeDateTime", "onPremisesExtensionAttributes", "identities"], expand=["memberOf"])
        full = await graph.users.by_user_id(user.id).get(RequestConfiguration(query_parameters=query))
        check(full.account_enabled and full.last_password_change_date_time and full.identities[0].issuer == "contoso.com")

    async def password():
        await graph.users.by_user_id(upn(1)).patch(User(password_profile=profile("Correct-Horse-7")))

    async def refusals():
        await refused(graph.users.by_user_id("nobody@contoso.com").get(), 404, "Request_ResourceNotFound")
        await refused(graph.users.by_user_id(upn(1)).patch(User(password_profile=profile("short"))), 400, "Request_BadRequest")
        await refused(graph.users.by_user_id(upn(40)).patch(User(password_profile=profile("Correct-Horse-7"))), 403, "Authorization_RequestDenied")
        await refused(graph.me.get(), 400, "BadRequest")
        await refused(graph.users.by_user_id(upn(1)).manager.get(), 404, "Request_ResourceNotFound")

    async def life():
        made = await graph.users.post(User(account_enabled=True, display_name="Eve", mail_nickname="eve",
                                           user_principal_name="eve@contoso.com", password_profile=profile("Correct-Horse-7")))
        await graph.users.by_user_id(made.id).patch(User(department="Sales"))
        check(names(await graph.users.get(users(filter="department eq 'Sales'"))) == ["eve"])
        await graph.users.by_user_id(made.id).delete()
        deleted = await graph.directory.deleted_items.graph_user.get()
        check([user.id for user in deleted.value] == [made.id])

    async def memberships():
        user = graph.users.by_user_id(upn(41))
        check((await graph.users.by_user_id(upn(40)).member_of.get()).value[0].display_name == "Global Administrator")
        held = (await user.transitive_member_of.graph_group.get()).value
        ids = (await user.get_member_groups.post(GetMemberGroupsPostRequestBody(security_enabled_only=True))).value
        check(ids == [held[0].id])
        check((await user.check_member_groups.post(CheckMemberGroupsPostRequestBody(group_ids=ids))).value == ids)
        members = await graph.groups.by_group_id(ids[0]).members.graph_user.get()
        check(members.value[0].user_principal_name == upn(41))
        check((await graph.groups.get()).value[0].is_assignable_to_role)
        check((await user.revoke_sign_in_sessions.post()).value is True)

    async def roles():
        roles = (await graph.directory_roles.get()).value
        members = (await graph.directory_roles.by_directory_role_id(roles[0].id).members.get()).value
        check(members[0].user_principal_name == upn(40))
        definitions = await graph.role_management.directory.role_definitions.get()
        check(any(role.display_name == "User Administrator" for role in definitions.value))
        query = RoleAssignmentsRequestBuilder.RoleAssignmentsRequestBuilderGetQueryParameters(
            filter=f"principalId eq '{members[0].id}'", expand=["principal"])
        held = await graph.role_management.directory.role_assignments.get(RequestConfiguration(query_parameters=query))
        check(len(held.value) == 1 and held.value[0].principal.id == members[0].id)

    async def organization():
        check((await graph.organization.get()).value[0].id == os.environ["AZURE_TENANT_ID"])
        check((await graph.domains.by_domain_id("contoso.com").get()).is_verified)
        check((await graph.domains.get()).value[0].authentication_type == "Managed")

    async def by_ids():
        user = await graph.users.by_user_id(upn(2)).get()
        found = await graph.directory_objects.get_by_ids.post(GetByIdsPostRequestBody(ids=[user.id], types=["user"]))
        check(found.value[0].user_principal_name == upn(2))

    async def delta():
        first = await graph.users.delta.get()
        await graph.users.by_user_id(upn(3)).patch(User(job_title="Clerk"))
        changed = await graph.users.delta.with_url(first.odata_delta_link).get()
        check(names(changed) == ["user3"], names(changed))

    async def batch(method):
        content = BatchRequestContent()
        for number in range(1, 21):
            user = graph.users.by_user_id(upn(number))
            request = user.to_patch_request_information(User(password_profile=profile(f"Correct-Horse-{number}"))) \
                if method == "PATCH" else user.to_get_request_information()
            content.add_request_information(request) if hasattr(content, "add_request_information") \
                else content.add_request(str(number), BatchRequestItem(request))
        answer = await graph.batch.post(content) if hasattr(graph, "batch") else await batch_builder(adapter).post(content)
        statuses = [item.status for item in answer.responses.values()] if isinstance(answer.responses, dict) else [item.status for item in answer.responses]
        check(len(statuses) == 20 and set(statuses) == {204 if method == "PATCH" else 200}, statuses)

    for name, act in [
        ("list", listing), ("select, top", select_top), ("page iterator", pages), ("filter", filters), ("advanced filter", advanced),
        ("search, orderby", search), ("count", count), ("get, select, expand", get), ("password", password), ("refusals", refusals),
        ("create, update, delete", life), ("memberships", memberships), ("roles", roles), ("organization, domains", organization),
        ("getByIds", by_ids), ("delta", delta), ("batch of 20 reads", lambda: batch("GET")), ("batch of 20 passwords", lambda: batch("PATCH")),
    ]:
        await operation(name, act)
    await credential.close()


asyncio.run(main())
