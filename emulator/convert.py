"""Messages of one API version as those of another: the same names under other field numbers."""

from typing import Any

# v2beta3 wraps what v2 holds bare; nothing else differs in name.
_WRAPPED = "app_engine_http_queue"
_BARE = "app_engine_routing_override"


def convert(source: Any, target: Any) -> Any:
    """Copy every field of `source` that `target` has, by name and at any depth; returns `target`.

    Fields the other version does not know are left out, as by a server that never heard of them.
    """
    if source.DESCRIPTOR is target.DESCRIPTOR:
        target.CopyFrom(source)
        return target
    known = target.DESCRIPTOR.fields_by_name
    for field, value in source.ListFields():
        if field.name == _BARE and _WRAPPED in known:
            convert(value, getattr(getattr(target, _WRAPPED), _BARE))
        elif field.name == _WRAPPED and _BARE in known:
            if value.HasField(_BARE):
                convert(getattr(value, _BARE), getattr(target, _BARE))
        elif field.name in known:
            _copy(field, value, target)
    return target


def _copy(field: Any, value: Any, target: Any) -> None:
    if field.message_type is None:
        if field.is_repeated:
            getattr(target, field.name).extend(value)
        else:
            setattr(target, field.name, value)
    elif field.message_type.GetOptions().map_entry:
        _copy_map(field, value, getattr(target, field.name))
    elif field.is_repeated:
        for each in value:
            convert(each, getattr(target, field.name).add())
    else:
        inner = getattr(target, field.name)
        inner.SetInParent()
        convert(value, inner)


def _copy_map(field: Any, value: Any, target: Any) -> None:
    if field.message_type.fields_by_name["value"].message_type is None:
        target.update(value)
        return
    for key, each in value.items():
        target[key].CopyFrom(each)


def convert_path(path: str) -> str:
    """Return a v2beta3 mask path as v2 spells it."""
    head, _, rest = path.partition(".")
    if head != _WRAPPED:
        return path
    return rest or _BARE
