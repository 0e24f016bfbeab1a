//! Seccomp: which system calls a child may make.
//!
//! An allow-list, so that what kernels learn later is refused too. What is not on it gives ENOSYS,
//! because libraries then do without; what opens a way out gives EPERM; what no media code ever
//! calls kills the process.

use std::{collections::BTreeMap, process};

use libc::{self, c_long};
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Memory, files that are or may be opened, threads, clocks, and what is asked about the host.
#[rustfmt::skip]
const ALLOWED: &[c_long] = &[
    // Memory.
    libc::SYS_brk, libc::SYS_mmap, libc::SYS_munmap, libc::SYS_mremap, libc::SYS_mprotect,
    libc::SYS_madvise, libc::SYS_msync, libc::SYS_mlock, libc::SYS_munlock, libc::SYS_mincore,
    libc::SYS_memfd_create, libc::SYS_membarrier, libc::SYS_mbind, libc::SYS_get_mempolicy,
    libc::SYS_set_mempolicy, libc::SYS_pkey_alloc, libc::SYS_pkey_free, libc::SYS_pkey_mprotect,
    // Files: Landlock says which.
    libc::SYS_openat, libc::SYS_close, libc::SYS_close_range, libc::SYS_read, libc::SYS_write,
    libc::SYS_readv, libc::SYS_writev, libc::SYS_pread64, libc::SYS_pwrite64, libc::SYS_preadv,
    libc::SYS_pwritev, libc::SYS_preadv2, libc::SYS_pwritev2, libc::SYS_lseek, libc::SYS_fstat,
    libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_statfs, libc::SYS_fstatfs,
    libc::SYS_getdents64, libc::SYS_readlinkat, libc::SYS_faccessat, libc::SYS_faccessat2,
    libc::SYS_getcwd, libc::SYS_chdir, libc::SYS_mkdirat, libc::SYS_unlinkat, libc::SYS_renameat,
    libc::SYS_renameat2, libc::SYS_ftruncate, libc::SYS_fallocate, libc::SYS_fadvise64,
    libc::SYS_fsync, libc::SYS_fdatasync, libc::SYS_flock, libc::SYS_fcntl, libc::SYS_dup,
    libc::SYS_dup3, libc::SYS_pipe2, libc::SYS_eventfd2, libc::SYS_umask, libc::SYS_copy_file_range,
    libc::SYS_sendfile, libc::SYS_splice,
    // The sockets that were inherited; no others can be made.
    libc::SYS_socketpair, libc::SYS_sendto, libc::SYS_recvfrom, libc::SYS_sendmsg,
    libc::SYS_recvmsg, libc::SYS_shutdown, libc::SYS_getsockopt, libc::SYS_setsockopt,
    libc::SYS_getsockname, libc::SYS_getpeername,
    // Waiting.
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_create1, libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait, libc::SYS_epoll_pwait2, libc::SYS_timerfd_create,
    libc::SYS_timerfd_settime, libc::SYS_timerfd_gettime, libc::SYS_futex, libc::SYS_futex_waitv,
    libc::SYS_nanosleep, libc::SYS_clock_nanosleep, libc::SYS_restart_syscall,
    // Threads.
    libc::SYS_set_robust_list, libc::SYS_get_robust_list, libc::SYS_set_tid_address,
    libc::SYS_rseq, libc::SYS_gettid, libc::SYS_getpid, libc::SYS_getppid, libc::SYS_exit,
    libc::SYS_exit_group, libc::SYS_sched_yield, libc::SYS_sched_getaffinity,
    libc::SYS_sched_setaffinity, libc::SYS_sched_getparam, libc::SYS_sched_getscheduler,
    libc::SYS_sched_setscheduler, libc::SYS_sched_getattr, libc::SYS_sched_setattr,
    libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min, libc::SYS_getpriority,
    libc::SYS_setpriority, libc::SYS_getcpu, libc::SYS_wait4, libc::SYS_waitid,
    // Signals of its own.
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigpending, libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait,
    libc::SYS_sigaltstack,
    // Clocks.
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_times,
    // Questions.
    libc::SYS_getrandom, libc::SYS_uname, libc::SYS_sysinfo, libc::SYS_getrusage,
    libc::SYS_getrlimit, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid, libc::SYS_getegid,
    libc::SYS_getgroups, libc::SYS_getresuid, libc::SYS_getresgid, libc::SYS_getpgid,
    libc::SYS_getsid, libc::SYS_prctl, libc::SYS_capget,
    // Only ever adds restrictions; the filters after this one need it.
    libc::SYS_seccomp,
];

/// What older processors' kernels have under names of their own.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const ALLOWED_HERE: &[c_long] = &[
    libc::SYS_open, libc::SYS_stat, libc::SYS_lstat, libc::SYS_access, libc::SYS_readlink,
    libc::SYS_mkdir, libc::SYS_rmdir, libc::SYS_unlink, libc::SYS_rename, libc::SYS_getdents,
    libc::SYS_dup2, libc::SYS_pipe, libc::SYS_poll, libc::SYS_select, libc::SYS_epoll_create,
    libc::SYS_epoll_wait, libc::SYS_eventfd, libc::SYS_time, libc::SYS_arch_prctl,
    libc::SYS_getpgrp,
];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_HERE: &[c_long] = &[];

/// Ways out that libraries may try in all innocence: a message bus, a sound server, a program.
#[rustfmt::skip]
const REFUSED: &[c_long] = &[
    libc::SYS_socket, libc::SYS_connect, libc::SYS_bind, libc::SYS_listen, libc::SYS_accept,
    libc::SYS_accept4,
];

/// What nothing that decodes or encodes calls.
#[rustfmt::skip]
const DEADLY: &[c_long] = &[
    libc::SYS_execve, libc::SYS_execveat, libc::SYS_ptrace, libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev, libc::SYS_mount, libc::SYS_umount2, libc::SYS_pivot_root,
    libc::SYS_chroot, libc::SYS_unshare, libc::SYS_setns, libc::SYS_keyctl, libc::SYS_add_key,
    libc::SYS_request_key, libc::SYS_bpf, libc::SYS_perf_event_open, libc::SYS_userfaultfd,
    libc::SYS_init_module, libc::SYS_finit_module, libc::SYS_delete_module, libc::SYS_kexec_load,
    libc::SYS_reboot, libc::SYS_swapon, libc::SYS_setuid, libc::SYS_setgid, libc::SYS_setresuid,
    libc::SYS_setresgid, libc::SYS_open_by_handle_at, libc::SYS_io_uring_setup,
];

/// Restricts every thread of this process.
///
/// Filters add up, and the strictest answer counts; of two error codes that of the later filter.
pub(super) fn restrict() -> Result<(), Error> {
    for program in programs()? {
        apply_filter_all_threads(&program)?;
    }
    Ok(())
}

fn programs() -> Result<[BpfProgram; 3], Error> {
    let errno = |code: i32| SeccompAction::Errno(code.unsigned_abs());
    let allow = SeccompAction::Allow;
    let plain = |calls: &[c_long]| calls.iter().map(|call| (*call, vec![])).collect::<Rules>();
    let mut allowed = plain(ALLOWED);
    allowed.extend(plain(ALLOWED_HERE));
    allowed.extend(conditional(process::id())?);
    Ok([
        compile(allowed, errno(libc::ENOSYS), allow.clone())?,
        compile(plain(REFUSED), allow.clone(), errno(libc::EPERM))?,
        compile(plain(DEADLY), allow, SeccompAction::KillProcess)?,
    ])
}

fn compile(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(Error::Backend)?;
    let filter = SeccompFilter::new(rules, otherwise, matched, arch).map_err(Error::Backend)?;
    filter.try_into().map_err(Error::Backend)
}

/// Calls that are harmless with some arguments only.
fn conditional(own: u32) -> Result<Rules, Error> {
    use SeccompCmpOp::{Eq, MaskedEq, Ne};
    let thread = libc::CLONE_THREAD.unsigned_abs().into();
    let mut rules = Rules::new();
    // Threads, no processes. clone3 hides its flags behind a pointer: libraries go back to clone.
    rules.insert(libc::SYS_clone, vec![rule(vec![when(0, MaskedEq(thread), thread)?])?]);
    // Signals and limits to itself; the worker runs under the same user.
    let own = own.into();
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        rules.insert(call, vec![rule(vec![when(0, Eq, own)?])?]);
    }
    let limits = vec![rule(vec![when(0, Eq, 0)?])?, rule(vec![when(0, Eq, own)?])?];
    rules.insert(libc::SYS_prlimit64, limits);
    // No typing into the terminal the worker was started from.
    let quiet = vec![when(1, Ne, libc::TIOCSTI)?, when(1, Ne, libc::TIOCLINUX)?];
    rules.insert(libc::SYS_ioctl, vec![rule(quiet)?]);
    Ok(rules)
}

fn rule(conditions: Vec<SeccompCondition>) -> Result<SeccompRule, Error> {
    SeccompRule::new(conditions).map_err(Error::Backend)
}

fn when(argument: u8, comparison: SeccompCmpOp, value: u64) -> Result<SeccompCondition, Error> {
    // Process ids, flags of clone and codes of ioctl are 32 bits; what stands above is not looked at
    // by the kernel either.
    SeccompCondition::new(argument, SeccompCmpArgLen::Dword, comparison, value)
        .map_err(Error::Backend)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_both_allowed_and_forbidden() {
        let mut allowed: Vec<c_long> = [ALLOWED, ALLOWED_HERE].concat();
        allowed.extend(conditional(1).unwrap().keys());
        for call in [REFUSED, DEADLY].concat() {
            assert!(!allowed.contains(&call), "{call}");
        }
        let count = allowed.len();
        allowed.sort_unstable();
        allowed.dedup();
        assert_eq!(allowed.len(), count, "one is listed twice");
    }

    #[test]
    fn the_filters_compile_for_this_machine() {
        for program in programs().unwrap() {
            assert!((2..4096).contains(&program.len()), "{}", program.len());
        }
    }
}
