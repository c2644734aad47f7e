"""The messages between portal and job."""

import subprocess
import sys

import pytest

from synthesis.contract import (
    ContractError,
    Refused,
    TranslationRequest,
    TranslationResult,
    WrittenFile,
)

REQUEST = TranslationRequest("job", "/r", "ab", ("/a", "/b"), "/out", labels={"pair": "3"})


def test_a_request_survives_json() -> None:
    line = REQUEST.to_json()

    assert "\n" not in line
    assert TranslationRequest.from_json(line) == REQUEST


def test_a_result_survives_json() -> None:
    result = TranslationResult(
        "job", "succeeded", files=(WrittenFile("/out/1", "ab", 3),), seconds={"reading": 0.5}
    )

    assert TranslationResult.from_json(result.to_json()) == result


def test_a_refusal_survives_json() -> None:
    refused = Refused("no_air", "There is no air.")

    assert Refused.from_json(refused.to_json()) == refused


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "lacks 'ct_files'"),
        (REQUEST.to_json().replace('"seed"', '"sede"'), "unknown key 'sede'"),
        (REQUEST.to_json().replace('"auto"', '"tpu"'), "Unknown device 'tpu'"),
        (REQUEST.to_json().replace('"job_id": "job"', '"job_id": ""'), "needs a job id"),
    ],
)
def test_a_malformed_request_is_refused_in_words(line: str, sentence: str) -> None:
    with pytest.raises(ContractError, match=sentence):
        TranslationRequest.from_json(line)


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(ContractError, match="Unknown status"):
        TranslationResult.from_json('{"job_id": "a", "status": "fine"}')


def test_contract_config_and_registry_load_no_torch() -> None:
    code = (
        "import sys, synthesis.contract, synthesis.config, synthesis.registry;"
        "synthesis.registry.packaged_releases(); sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
