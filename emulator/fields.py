"""Fields of messages by the names that people write."""

from google.protobuf.descriptor import Descriptor, FieldDescriptor


def field_of(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """Return a message's field by its snake_case or its camelCase name, or None."""
    by_name = descriptor.fields_by_name.get(name)
    return by_name or descriptor.fields_by_camelcase_name.get(name)
