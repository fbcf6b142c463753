# ruff: noqa: F401
"""Preview 1 by the shim for Windows, call by call: tests of tests/wasi, with the fixtures of conftest.py.

What is not here needs what Wine has not (making symbolic links, or telling those of its host, which it follows itself,
from files; directories whose whole paths are tens of thousands of characters long; the reset of a connection, for
which it says that the connection has ended), a standard stream (the guest's orders come on them), or times finer than
the 100 ns of Windows.
"""

from tests.wasi.test_bad_pointers import (
    test_a_failing_call_writes_nothing,
    test_iovecs_are_each_checked,
)
from tests.wasi.test_connections import (
    flags,
    test_a_connection_has_no_positions,
    test_all_is_waited_for_where_that_is_wanted,
    test_pieces_keep_their_order,
    test_reading_can_be_shut_down,
    test_several_are_waited_for_at_once,
    test_the_other_side_has_no_more_to_say,
    test_what_is_looked_at_stays,
    test_writing_comes_to_an_end_and_goes_on,
)
from tests.wasi.test_file_grants import (
    host,
    test_a_file_granted_for_reading_only,
    test_each_open_of_a_granted_file_is_one_of_its_own,
    test_files_of_one_directory_share_it,
    test_nothing_in_the_directory_is_made_or_removed,
    test_paths_that_lead_out_or_through_a_file,
    test_rights_that_were_given_up_stay_so,
    test_the_directory_holds_nothing_else,
    test_the_directory_is_like_one,
)
from tests.wasi.test_files import (
    test_a_directory_is_listed_once_and_whole,
    test_a_directory_is_no_file,
    test_a_file_is_no_directory,
    test_a_small_buffer_gets_a_part_of_an_entry,
    test_appending_ignores_the_position,
    test_open_flags,
    test_preopens_in_the_order_of_the_manifest,
    test_removing_while_listing_misses_nothing,
    test_rights_given_up_stay_given_up,
    test_scattered_data_keeps_its_order,
    test_setting_the_rights_that_are_there_changes_nothing,
    test_size_and_room,
    test_synchronous_writing_is_told,
    test_what_is_written_is_read,
)
from tests.wasi.test_large_files import (
    test_positions_past_4_gib,
    test_two_descriptors_of_a_directory_are_listed_apart,
)
from tests.wasi.test_listening import (
    test_a_client_is_served,
    test_a_sealed_program_listens_only_where_its_builder_said,
    test_accepting_can_be_made_to_wait,
    test_addresses_are_listened_at_in_the_order_given,
    test_all_of_ipv6_is_not_all_of_ipv4,
    test_an_address_can_be_used_again_at_once,
    test_an_address_in_use,
    test_an_address_of_another_machine,
    test_every_spelling_of_an_address,
)
from tests.wasi.test_rights import (
    test_rights_given_up_for_what_is_opened,
    test_rights_of_a_file,
)
from tests.wasi.test_sandbox import (
    test_a_descriptor_below_reaches_up_to_itself_only,
    test_a_granted_directory_that_is_renamed_stays_the_one_that_was_granted,
    test_a_number_that_is_given_again_has_nothing_of_the_one_before,
    test_between_a_read_only_and_a_writable_grant_nothing_moves_the_wrong_way,
    test_the_entry_above_is_the_directory_itself,
)
