"""Bytes that are no request, over gRPC."""

import grpc
import pytest


@pytest.mark.parametrize("rpc", ["CreateTask", "GetQueue", "BatchCreateTasks"])
@pytest.mark.parametrize("version", ["v2", "v2beta3"])
def test_bytes_that_are_no_message_are_an_invalid_argument(emulator, rpc, version):
    with grpc.insecure_channel(emulator.endpoint) as channel:
        call = channel.unary_unary(f"/google.cloud.tasks.{version}.CloudTasks/{rpc}")
        with pytest.raises(grpc.RpcError) as refused:
            call(b"\xff\xff\xff\xff", timeout=5)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "Traceback" not in emulator.process.output
