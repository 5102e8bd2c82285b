//! The one binary. Everything it does is a command of `cara_gateway::cli`.

/// What a storm of bodies took goes back to the system; with libc's allocator most of it stayed.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Read by the allocator at its start: unused pages go back at once (kept for a second they were up to
/// 64 MiB more in a storm), and two arenas are shared by all threads, of which few allocate at once.
#[expect(unsafe_code, reason = "a symbol is exported, which nobody else defines")]
#[unsafe(export_name = "_rjem_malloc_conf")]
static SETTINGS: &[u8; 44] = b"dirty_decay_ms:0,muzzy_decay_ms:0,narenas:2\0";

fn main() -> std::process::ExitCode {
    cara_gateway::cli::run()
}
