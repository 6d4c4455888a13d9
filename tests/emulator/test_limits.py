"""Rate, concurrency, pause: measured at a real target."""

import itertools
import threading

from google.protobuf.field_mask_pb2 import FieldMask

from tests.emulator.conftest import client_of

PER_SECOND = FieldMask(paths=["rate_limits.max_dispatches_per_second"])


def limited(client, make_queue, **limits):
    queue = make_queue(rate_limits=limits)
    client.pause_queue(name=queue)
    return queue


def fill(send, queue, target, count):
    for _ in range(count):
        send(queue, target.url)


def test_ten_a_second_after_a_burst_of_ten(client, make_queue, send, target):
    queue = limited(client, make_queue, max_dispatches_per_second=10)
    fill(send, queue, target, 35)
    client.resume_queue(name=queue)
    times = [got.at for got in target.wait_for(35)]
    assert times[9] - times[0] < 0.3
    rate = 24 / (times[34] - times[10])
    assert 9.7 <= rate <= 10.3


def test_half_a_task_a_second(client, make_queue, send, target):
    queue = limited(client, make_queue, max_dispatches_per_second=0.5)
    fill(send, queue, target, 12)
    client.resume_queue(name=queue)
    times = [got.at for got in target.wait_for(12)]
    assert times[9] - times[0] < 0.3
    gaps = [later - earlier for earlier, later in itertools.pairwise(times[9:])]
    assert all(1.7 <= gap <= 2.2 for gap in gaps)


def test_two_at_once_are_never_three(client, make_queue, send, target):
    queue = limited(client, make_queue, max_concurrent_dispatches=2)
    target.otherwise = (200, 0.1)
    fill(send, queue, target, 20)
    client.resume_queue(name=queue)
    times = [got.at for got in target.wait_for(20)]
    assert target.most_at_once == 2
    assert 0.9 <= times[-1] - times[0] < 1.6


def test_a_slow_queue_delays_no_other(client, make_queue, send, target, target_server):
    slow = target_server.spot(otherwise=(200, 1.5))
    busy = make_queue()
    fill(send, busy, slow, 30)
    slow.wait_for(30)
    quick = make_queue()
    send(quick, target.url)
    target.wait_for(1, seconds=1.0)


def test_a_paused_queue_takes_tasks_and_sends_none(client, queue, send, target):
    client.pause_queue(name=queue)
    fill(send, queue, target, 3)
    target.stays_at(0, 0.5)
    client.resume_queue(name=queue)
    target.wait_for(3)


def test_a_new_rate_is_obeyed_at_once(client, make_queue, send, target):
    queue = limited(client, make_queue, max_dispatches_per_second=0.01)
    fill(send, queue, target, 12)
    client.resume_queue(name=queue)
    target.wait_for(10)
    target.stays_at(10, 0.3)
    client.update_queue(
        queue={"name": queue, "rate_limits": {"max_dispatches_per_second": 100}},
        update_mask=PER_SECOND,
    )
    target.wait_for(12, seconds=1.0)


def test_many_are_sent_once_each(client, make_queue, target, emulator):
    queues = [make_queue() for _ in range(3)]

    def create(queue):
        own = client_of(emulator.endpoint)
        for _ in range(80):
            own.create_task(parent=queue, task={"http_request": {"url": target.url}})
        own.transport.close()

    threads = [threading.Thread(target=create, args=[queue]) for queue in queues]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = target.wait_for(240, seconds=20)
    target.stays_at(240, 0.3)
    assert len({each.header("X-CloudTasks-TaskName") for each in got}) == 240
