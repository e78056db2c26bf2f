from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from db.accounts.vault import TokenVault, VaultError
from settings import Settings

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
TOKEN = "a refresh token, never to be seen"


def test_a_token_comes_back_and_its_ciphertext_tells_nothing() -> None:
    vault = TokenVault([NEW])
    ciphertexts = {vault.encrypt(TOKEN), vault.encrypt(TOKEN)}
    assert len(ciphertexts) == 2
    for ciphertext in ciphertexts:
        assert TOKEN.encode() not in ciphertext
        assert vault.decrypt(ciphertext) == TOKEN


def test_keys_can_be_changed_in_use() -> None:
    old, both, new = TokenVault([OLD]), TokenVault([NEW, OLD]), TokenVault([NEW])
    sealed = old.encrypt(TOKEN)
    assert both.decrypt(sealed) == TOKEN
    assert old.is_newest(sealed)
    assert not both.is_newest(sealed)
    rotated = both.rotate(sealed)
    assert both.is_newest(rotated)
    assert new.decrypt(rotated) == TOKEN
    assert new.decrypt(both.encrypt(TOKEN)) == TOKEN  # the newest encrypts


@pytest.mark.parametrize("kept", [slice(0), slice(-4), slice(1, None)])
def test_damage_is_noticed(kept: slice) -> None:
    vault = TokenVault([NEW])
    damaged = vault.encrypt(TOKEN)[kept]
    assert not vault.is_newest(damaged)
    for use in (vault.decrypt, vault.rotate):
        with pytest.raises(VaultError):
            use(damaged)


def test_the_error_tells_neither_token_nor_ciphertext_nor_key() -> None:
    sealed = TokenVault([OTHER]).encrypt(TOKEN)
    with pytest.raises(VaultError) as raised:
        TokenVault([NEW, OLD]).decrypt(sealed)
    told = f"{raised.value!r} {raised.value.__cause__!r} {TokenVault([NEW])!r}"
    assert raised.value.__suppress_context__
    assert "TOKEN_ENCRYPTION_KEYS" in told
    for secret in (TOKEN, sealed.decode(), NEW, OLD, OTHER):
        assert secret not in told


def test_a_vault_needs_good_keys() -> None:
    with pytest.raises(ValueError, match="at least one key"):
        TokenVault([])
    with pytest.raises(ValueError, match="Fernet key"):
        TokenVault(["no key"])


def test_the_vault_of_an_installation_takes_its_keys_from_the_settings() -> None:
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://nowhere/x",
            "redis_url": "redis://nowhere/0",
            "eve_client_id": "x",
            "token_encryption_keys": f"{NEW},{OLD}",
        }
    )
    vault = TokenVault.from_settings(settings)
    assert vault.is_newest(TokenVault([NEW]).encrypt(TOKEN))
    assert vault.decrypt(TokenVault([OLD]).encrypt(TOKEN)) == TOKEN
