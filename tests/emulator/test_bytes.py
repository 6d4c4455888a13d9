"""Bytes that are no request, over gRPC."""

import grpc
import pytest

from tests.processes import EmulatorProcess


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """An emulator that has printed nothing on account of others, and prints nothing more."""
    with EmulatorProcess(tmp_path_factory.mktemp("own")) as own:
        yield own
        own.process.stop()
        assert len(own.process.lines) == 1, own.process.output


@pytest.mark.parametrize("rpc", ["CreateTask", "GetQueue", "BatchCreateTasks"])
@pytest.mark.parametrize("version", ["v2", "v2beta3"])
def test_bytes_that_are_no_message_are_an_invalid_argument(own, rpc, version):
    with grpc.insecure_channel(own.endpoint) as channel:
        call = channel.unary_unary(f"/google.cloud.tasks.{version}.CloudTasks/{rpc}")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\xff\xff\xff\xff", timeout=5)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
