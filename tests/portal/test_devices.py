"""Which devices a machine gives to synthesis, and that a GPU that is demanded is never replaced by a CPU."""

import subprocess

import pytest

from studyportal.tasks import devices
from studyportal.tasks.devices import DeviceRefused, devices_of_machine

LISTED = "0, GPU-aa11, NVIDIA H100\n1, GPU-bb22, NVIDIA H100\n"


@pytest.fixture
def two_gpus(monkeypatch):
    answer = subprocess.CompletedProcess((), 0, stdout=LISTED)
    monkeypatch.setattr(devices.subprocess, "run", lambda *_args, **_options: answer)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    devices.gpus.cache_clear()
    yield
    devices.gpus.cache_clear()


@pytest.fixture
def no_driver(monkeypatch):
    def missing(*_args, **_options):
        raise FileNotFoundError

    monkeypatch.setattr(devices.subprocess, "run", missing)
    devices.gpus.cache_clear()
    yield
    devices.gpus.cache_clear()


def test_auto_takes_every_gpu(two_gpus):
    found = devices_of_machine("auto")
    assert [(one.kind, one.key) for one in found] == [("cuda", "GPU-aa11"), ("cuda", "GPU-bb22")]
    assert found[1].label.endswith("NVIDIA H100 (cuda:1)")
    assert found[1].environment() == {"CUDA_VISIBLE_DEVICES": "GPU-bb22"}


@pytest.mark.parametrize("chosen", ["1", "GPU-bb22", "GPU-bb"])
def test_auto_keeps_to_the_gpus_that_are_visible(two_gpus, monkeypatch, chosen):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", chosen)
    assert [one.uuid for one in devices_of_machine("auto")] == ["GPU-bb22"]


def test_auto_takes_the_cpu_where_there_is_no_gpu(no_driver):
    (only,) = devices_of_machine("auto")
    assert (only.kind, only.environment()) == ("cpu", {"CUDA_VISIBLE_DEVICES": ""})


def test_a_list_is_taken_in_its_order_and_once(two_gpus):
    found = devices_of_machine("cuda:1, cuda:0,cuda:1")
    assert [one.uuid for one in found] == ["GPU-bb22", "GPU-aa11"]


def test_a_gpu_that_is_demanded_and_missing_is_refused_by_name(no_driver):
    with pytest.raises(
        DeviceRefused, match=r"cuda:0 was demanded .* nothing is computed on the CPU"
    ):
        devices_of_machine("cuda:0")


def test_a_word_that_names_no_device_is_refused(two_gpus):
    with pytest.raises(DeviceRefused, match="'gpu0'; write auto, cpu, or"):
        devices_of_machine("gpu0")
