from collections import Counter, OrderedDict
from itertools import cycle, islice

import pytest

from sse_demo.lab import RESET, check

TURN = 100


def ours(subscriber, log):
    if subscriber.cursor < log.start:
        if not subscriber.take(RESET):
            return
        subscriber.cursor = log.start
    for number in range(subscriber.cursor, min(log.end, subscriber.cursor + TURN)):
        if not subscriber.take(log[number]):
            return
        subscriber.cursor = number + 1


class Right:
    def while_it_takes(subscriber, log):
        for _ in range(100):
            if subscriber.cursor == log.end:
                break
            if subscriber.cursor < log.start:
                if not subscriber.take(RESET):
                    break
                subscriber.cursor = log.start
            if not subscriber.take(log[subscriber.cursor]):
                break
            subscriber.cursor += 1

    def the_error_of_the_log_tells(subscriber, log):
        try:
            log[subscriber.cursor]
        except IndexError:
            if subscriber.cursor == log.end or not subscriber.take(RESET):
                return
            subscriber.cursor = log.start
        while subscriber.cursor < log.end and (left := getattr(subscriber, "left", TURN)) > 0:
            if not subscriber.take(log[subscriber.cursor]):
                break
            subscriber.cursor, subscriber.left = subscriber.cursor + 1, left - 1
        subscriber.left = TURN

    def a_hundred_of_which_reset_is_one(subscriber, log):
        items = []
        if subscriber.cursor < log.start:
            items.append((RESET, log.start))
        items += [(log[n], n + 1) for n in range(max(subscriber.cursor, log.start), log.end)]
        for event, cursor in items[:100]:
            if not subscriber.take(event):
                return
            subscriber.cursor = cursor

    def ten_at_a_time(subscriber, log):
        if subscriber.cursor < log.start:
            if not subscriber.take(RESET):
                return
            subscriber.cursor = log.start
        for number in range(subscriber.cursor, log.end)[:10]:
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number + 1

    def a_generator(subscriber, log):
        def steps():
            if subscriber.cursor < log.start:
                yield RESET, log.start
            for number in range(max(log.start, subscriber.cursor), log.end):
                yield log[number], number + 1

        for event, cursor in islice(steps(), 100):
            if not subscriber.take(event):
                break
            subscriber.cursor = cursor
        return "whatever"


counts = Counter()


class Wrong:
    def everything_at_once(subscriber, log):  # unbounded
        while subscriber.cursor < log.end:
            if subscriber.cursor < log.start:
                if not subscriber.take(RESET):
                    return
                subscriber.cursor = log.start
            if not subscriber.take(log[subscriber.cursor]):
                return
            subscriber.cursor += 1

    def it_waits_for_the_sleeper(subscriber, log):
        for number in range(subscriber.cursor, min(log.end, subscriber.cursor + TURN)):
            while not subscriber.take(log[number]):
                pass
            subscriber.cursor = number + 1

    def it_waits_whatever_is_raised(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            taken = False
            while not taken:
                try:
                    taken = subscriber.take(log[number])
                except Exception:
                    continue
            subscriber.cursor = number + 1

    def it_waits_whatever_is_raised_an_interrupt_too(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            taken = False
            while not taken:
                try:
                    taken = subscriber.take(log[number])
                except:  # noqa: E722
                    continue
            subscriber.cursor = number + 1

    def what_is_refused_is_lost(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            subscriber.cursor = number + 1
            subscriber.take(log[number])

    def the_cursor_moves_first(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            subscriber.cursor = number + 1
            if not subscriber.take(log[number]):
                return

    def the_cursor_never_moves(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), log.end)[:TURN]:
            if not subscriber.take(log[number]):
                return

    def the_cursor_moves_at_the_end_only(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            if not subscriber.take(log[number]):
                return
        subscriber.cursor = min(log.end, subscriber.cursor + TURN)

    def it_goes_on_after_a_refusal(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), min(log.end, subscriber.cursor + TURN)):
            if subscriber.take(log[number]):
                subscriber.cursor = number + 1

    def one_cursor_for_all(subscriber, log):
        for number in range(counts[id(log)], log.end)[:TURN]:
            if not subscriber.take(log[number]):
                return
            counts[id(log)] = number + 1

    def only_what_is_new(subscriber, log):
        if log.end and subscriber.take(log[log.end - 1]):
            subscriber.cursor = log.end

    def only_one_that_has_begun(subscriber, log):
        if subscriber.cursor:
            ours(subscriber, log)

    def nobody_is_told_of_a_gap(subscriber, log):
        subscriber.cursor = max(subscriber.cursor, log.start)
        ours(subscriber, log)

    def told_of_a_gap_and_sent_to_the_end(subscriber, log):
        if subscriber.cursor < log.start:
            if subscriber.take(RESET):
                subscriber.cursor = log.end
            return
        ours(subscriber, log)

    def told_of_a_gap_that_is_none(subscriber, log):
        if subscriber.cursor <= log.start and log.end > 0:
            if not subscriber.take(RESET):
                return
            subscriber.cursor = log.start
        ours(subscriber, log)

    def told_though_it_did_not_take_it(subscriber, log):
        if subscriber.cursor < log.start:
            subscriber.take(RESET)
            subscriber.cursor = log.start
        ours(subscriber, log)

    def told_again_until_the_first_event_is_taken(subscriber, log):
        first = subscriber.cursor
        if first < log.start:
            if not subscriber.take(RESET):
                return
            first = log.start
        for number in range(first, log.end)[:TURN]:
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number + 1

    def everything_at_once_after_a_gap(subscriber, log):
        if subscriber.cursor >= log.start:
            return ours(subscriber, log)
        if subscriber.take(RESET):
            subscriber.cursor = log.start
            while subscriber.cursor < log.end and subscriber.take(log[subscriber.cursor]):
                subscriber.cursor += 1

    def a_turn_that_ends_in_the_gap(subscriber, log):
        last = min(log.end, subscriber.cursor + TURN)
        if subscriber.cursor < log.start:
            if not subscriber.take(RESET):
                return
            subscriber.cursor = log.start
        for number in range(subscriber.cursor, last):
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number + 1

    def a_cursor_of_zero_is_no_cursor(subscriber, log):
        if subscriber.cursor and subscriber.cursor < log.start:
            if not subscriber.take(RESET):
                return
            subscriber.cursor = log.start
        subscriber.cursor = max(subscriber.cursor, log.start)
        ours(subscriber, log)

    def events_are_offered_though_reset_was_refused(subscriber, log):
        if subscriber.cursor < log.start and subscriber.take(RESET):
            subscriber.cursor = log.start
        for number in range(max(subscriber.cursor, log.start), log.end)[:TURN]:
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number + 1

    def reset_is_offered_three_times(subscriber, log):
        if subscriber.cursor < log.start:
            if not any(subscriber.take(RESET) for _ in range(3)):
                return
            subscriber.cursor = log.start
        ours(subscriber, log)

    def after_a_gap_only_the_newest(subscriber, log):
        if subscriber.cursor < log.start:
            if not subscriber.take(RESET):
                return
            subscriber.cursor = max(log.start, log.end - 5)
        ours(subscriber, log)

    def reset_comes_alone(subscriber, log):
        if subscriber.cursor >= log.start:
            ours(subscriber, log)
        elif subscriber.take(RESET):
            subscriber.cursor = log.start

    def reset_comes_last(subscriber, log):
        gap = subscriber.cursor < log.start
        subscriber.cursor = max(subscriber.cursor, log.start)
        ours(subscriber, log)
        if gap:
            subscriber.take(RESET)

    def one_too_many(subscriber, log):
        for number in range(max(subscriber.cursor, log.start), log.end)[: TURN + 1]:
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number + 1

    def the_end_of_the_log_is_not_seen(subscriber, log):
        while subscriber.take(log[subscriber.cursor]):
            subscriber.cursor += 1

    async def it_is_awaited_by_nobody(subscriber, log):
        ours(subscriber, log)

    def told_once_in_a_life(subscriber, log):
        if subscriber.cursor < log.start:
            if not getattr(subscriber, "told", False) and not subscriber.take(RESET):
                return
            subscriber.told, subscriber.cursor = True, log.start
        ours(subscriber, log)

    def many_events_in_one(subscriber, log):
        numbers = range(max(subscriber.cursor, log.start), log.end)[:TURN]
        if numbers and subscriber.take(b"".join(log[number] for number in numbers)):
            subscriber.cursor = numbers[-1] + 1

    def the_newest_first(subscriber, log):
        for number in reversed(range(subscriber.cursor, log.end)[:TURN]):
            if not subscriber.take(log[number]):
                return
        subscriber.cursor = log.end

    def off_by_one(subscriber, log):
        for number in range(subscriber.cursor + 1, log.end)[:TURN]:
            if not subscriber.take(log[number]):
                return
            subscriber.cursor = number

    def a_sleeper_is_an_error(subscriber, log):
        ours(subscriber, log)
        if subscriber.cursor < log.end:
            raise BufferError("too slow")

    def a_cursor_of_text(subscriber, log):
        ours(subscriber, log)
        subscriber.cursor = str(subscriber.cursor)

    def nothing_at_all(subscriber, log):
        pass

    def too_many_arguments(subscriber, log, hub):
        pass


def each(cls):
    functions = {name: value for name, value in vars(cls).items() if not name.startswith("_")}
    return pytest.mark.parametrize("answer", functions.values(), ids=functions.keys())


@each(Right)
def test_a_right_send_to(answer):
    assert check.send_to(answer).passed


def test_ours_is_right():
    assert check.send_to(ours).passed


@each(Wrong)
def test_a_wrong_send_to_ends_in_a_row(answer):
    counts.clear()
    report = check.send_to(answer)
    assert not report.passed
    assert len(report.rows) == len(check.send_to(ours).rows)
    assert all(remark for done, _, remark in report.rows if not done)


@pytest.mark.parametrize("answer", [None, 3, "send"])
def test_what_is_no_function_ends_in_a_row(answer):
    assert not check.send_to(answer).passed
    assert not check.newest(answer).passed


def test_a_row_says_what_came_instead():
    rows = {what: remark for done, what, remark in check.send_to(Wrong.nobody_is_told_of_a_gap).rows if not done}
    assert any("expected ['RESET', 7, 8, 9, 10, 11], got [7, 8, 9, 10, 11]" in remark for remark in rows.values())
    assert any("without RESET" in remark for remark in rows.values())
    waits = check.send_to(Wrong.it_waits_for_the_sleeper).rows
    assert any("a full subscriber was asked 20 times in one call" in remark for _, _, remark in waits)


class RightNewest:
    def taken_out_first(pairs):
        found = {}
        for key, value in pairs:
            found.pop(key, None)
            found[key] = value
        return list(found.items())

    def from_the_end(pairs):
        found = {}
        for key, value in reversed(pairs):
            found.setdefault(key, value)
        return list(found.items())[::-1]

    def moved_to_the_end(pairs):
        found = OrderedDict()
        for key, value in pairs:
            found[key] = value
            found.move_to_end(key)
        return found.items()

    def by_the_last_place(pairs):
        last = {key: place for place, (key, _) in enumerate(pairs)}
        return [pair for place, pair in enumerate(pairs) if last[pair[0]] == place]

    def a_generator_of_lists(pairs):
        for place, (key, value) in enumerate(pairs):
            if key not in [later for later, _ in pairs[place + 1 :]]:
                yield [key, value]

    def a_view(pairs):
        return dict(RightNewest.taken_out_first(pairs)).items()

    def a_tuple(pairs):
        return tuple(RightNewest.taken_out_first(pairs))


class WrongNewest:
    def all_of_them(pairs):
        return pairs

    def a_key_keeps_its_first_place(pairs):
        return list(dict(pairs).items())

    def the_oldest(pairs):
        found = {}
        for key, value in pairs:
            found.setdefault(key, value)
        return list(found.items())

    def from_the_end_and_not_turned_round(pairs):
        found = {}
        for key, value in reversed(pairs):
            found.setdefault(key, value)
        return list(found.items())

    def values_that_are_false_do_not_count(pairs):
        found = {}
        for key, value in pairs:
            if value:
                found.pop(key, None)
                found[key] = value
        return list(found.items())

    def only_none_does_not_count(pairs):
        found = {}
        for key, value in pairs:
            if value is not None:
                found.pop(key, None)
                found[key] = value
        return list(found.items())

    def a_key_that_is_empty_does_not_count(pairs):
        return [pair for pair in RightNewest.taken_out_first(pairs) if pair[0]]

    def the_largest(pairs):
        largest = {key: max(v for k, v in pairs if k == key) for key in dict(pairs)}
        return [pair for pair in RightNewest.taken_out_first(pairs) if largest[pair[0]] == pair[1]]

    def sorted_by_value(pairs):
        return sorted(dict(pairs).items(), key=lambda pair: pair[1])

    def sorted_by_key(pairs):
        return sorted(dict(pairs).items(), key=lambda pair: pair[0])

    def sorted_in_place(pairs):
        found = RightNewest.taken_out_first(pairs)
        pairs.sort(key=lambda pair: pair[0])
        return found

    def emptied(pairs):
        found = RightNewest.taken_out_first(pairs)
        pairs.clear()
        return found

    def turned_round_in_place(pairs):
        pairs.reverse()
        return RightNewest.from_the_end(pairs[::-1])

    def the_place_of_an_equal_pair(pairs):
        newest = dict(pairs)
        return sorted(newest.items(), key=pairs.index)

    def an_older_value_that_is_false_keeps_its_place(pairs):
        found = {}
        for key, value in pairs:
            if found.get(key):
                del found[key]
            found[key] = value
        return list(found.items())

    def an_older_none_keeps_its_place(pairs):
        found = {}
        for key, value in pairs:
            if found.get(key) is not None:
                del found[key]
            found[key] = value
        return list(found.items())

    def only_the_last_pair_moves(pairs):
        return [pair for pair in dict(pairs).items() if pair not in pairs[-1:]] + pairs[-1:]

    def keys_are_parts_of_a_text(pairs):
        seen, found = "", []
        for key, value in reversed(pairs):
            if f"/{key}" not in seen:
                found.insert(0, (key, value))
            seen += f"/{key}"
        return found

    def keys_are_stripped(pairs):
        return RightNewest.taken_out_first([(key.strip(), value) for key, value in pairs])

    def values_become_text(pairs):
        return [(key, str(value)) for key, value in RightNewest.taken_out_first(pairs)]

    def a_set_of_pairs(pairs):
        return [pair for pair in RightNewest.taken_out_first(pairs) if pair in set(pairs)]

    def as_many_as_there_are_keys_from_the_end(pairs):
        return pairs[-len(dict(pairs)) :] if pairs else []

    def small_and_capital_letters_are_the_same(pairs):
        found = {}
        for key, value in pairs:
            found = {k: v for k, v in found.items() if k.lower() != key.lower()} | {key: value}
        return list(found.items())

    def a_dictionary_for_all_calls(pairs, found={}):  # noqa: B006
        for key, value in pairs:
            found.pop(key, None)
            found[key] = value
        return list(found.items())

    def only_neighbours(pairs):
        return [pair for pair, later in zip(pairs, [*pairs[1:], (None, None)], strict=True) if pair[0] != later[0]]

    def without_an_end(pairs):
        return cycle(RightNewest.taken_out_first(pairs))

    def a_dictionary(pairs):
        return dict(RightNewest.taken_out_first(pairs))

    def nothing(pairs):
        return None

    def keys_only(pairs):
        return [key for key, _ in RightNewest.taken_out_first(pairs)]


@each(RightNewest)
def test_a_right_newest(answer):
    assert check.newest(answer).passed


@each(WrongNewest)
def test_a_wrong_newest_ends_in_a_row(answer):
    report = check.newest(answer)
    assert not report.passed
    assert all(remark for done, _, remark in report.rows if not done)


@pytest.mark.parametrize(("wrong", "shown"), [
    (dict, "{'A': 3}"), (lambda pairs: None, "None"), (lambda pairs: "A", "'A'"), (lambda pairs: ["A3"], "['A3']"),
])  # fmt: skip
def test_what_is_no_list_of_pairs_is_shown_as_it_was_returned(wrong, shown):
    assert (False, "one key: its newest value", f"expected [('A', 3)], got {shown}") in check.newest(wrong).rows
