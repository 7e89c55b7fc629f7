//! What is run for each lesson, as its "What to type" says. Each function returns the trace blocks of its page.

mod connections;
mod grading;
mod input;
mod machine;
mod messages;
mod packets;
mod processes;
mod signals;

use crate::course::views::Blocks;

/// The runs, by the number of the lesson.
const RUNS: [fn() -> Blocks; 29] = [
    connections::refused,
    connections::listening_socket,
    connections::one_message,
    connections::client_port,
    connections::byte_order,
    connections::second_client,
    connections::backlog,
    processes::fork,
    processes::descriptor_leak,
    processes::zombies,
    processes::double_fork,
    processes::waitpid_options,
    input::varargs,
    messages::sigpipe,
    messages::byte_stream,
    messages::end_of_input,
    processes::buffers,
    connections::time_wait,
    processes::failing_calls,
    messages::server_gone,
    messages::slow_reader,
    input::bad_arguments,
    messages::delayed_ack,
    processes::process_one,
    packets::packets,
    grading::steps,
    machine::errors,
    signals::handlers,
    processes::interleaved,
];

/// How many lessons there are; they are numbered from 0.
pub const COUNT: usize = RUNS.len();

/// What a run of the lesson shows now, block by block.
pub fn run(number: usize) -> Blocks {
    let blocks = RUNS[number]();
    blocks.into_iter().map(|block| Some(block?.trim_end().to_string())).collect()
}
