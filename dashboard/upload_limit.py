"""Ends an upload before it is read where no form of ours can be so large: a disk is soon full."""

from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from . import uploads


class UploadLimit(FileUploadHandler):
    """Refuses by its length; the form itself says what is wrong with a file a little too large.

    Whoever asks, logged in or not, gets so far: the form's token is read before anything else.
    """

    def handle_raw_input(
        self, input_data: Any, META: Any, content_length: int, *rest: Any, **more: Any
    ) -> None:
        most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE + uploads.BYTES
        if content_length > most:
            raise RequestDataTooBig(f"{content_length:,} bytes; a form may have {most:,}.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
