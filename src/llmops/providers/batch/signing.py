"""Amazon's signatures of calls."""

from typing import Any

from llmops.providers.direct.certainty import Call


def signed(call: Call, login: Any, service: str, region: str) -> Call:  # noqa: ANN401 - botocore's Credentials
    """A call with the headers that Amazon's services know it by.

    Args:
        call: Without a login; its path has nothing that would be written another way on the wire.
        login: Whose it is.
        service: `s3` or `bedrock`.
        region: Of the service.
    """
    from botocore.auth import S3SigV4Auth, SigV4Auth  # noqa: PLC0415 - late, as litellm is
    from botocore.awsrequest import AWSRequest  # noqa: PLC0415 - late, as litellm is

    make = S3SigV4Auth if service == "s3" else SigV4Auth
    request = AWSRequest(
        method=call.method, url=call.url, headers=dict(call.headers), data=call.body
    )
    make(login, service, region).add_auth(request)
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Call(url=call.url, headers=headers, body=call.body, method=call.method)
