"""The verdict on a text under one key: claims, or the refusal."""

import pytest

from authn.jws import parse_token
from authn.tokens import Claims, Policy, TokenError, verify_token

from .token_tools import POLICY, verification_key


def verified(text: str, algorithm: str = "EdDSA", policy: Policy = POLICY) -> Claims:
    return verify_token(parse_token(text), verification_key(algorithm), policy)


def refusal(text: str, algorithm: str = "EdDSA", policy: Policy = POLICY) -> TokenError:
    with pytest.raises(TokenError) as caught:
        verified(text, algorithm, policy)
    return caught.value
