//! A disk that fails when it is told to: SQLite's own file layer, whose writes and syncs can be
//! switched off for files in folders of certain names. All other files are left alone.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::ffi;

/// What a disk does no more.
pub(super) struct Fault {
    /// Stands in the names of the folders that it befalls.
    pub(super) folder: &'static str,
    broken: AtomicBool,
}

/// Nothing can be written any more.
pub(super) static FULL: Fault = Fault { folder: "on-a-full-disk", broken: AtomicBool::new(false) };
/// What was written is not synced.
pub(super) static UNSYNCED: Fault = Fault { folder: "on-a-failing-disk", broken: AtomicBool::new(false) };

impl Fault {
    /// A folder that it befalls, within another.
    pub(super) fn within(&self, folder: &Path) -> std::path::PathBuf {
        install();
        folder.join(self.folder)
    }

    pub(super) fn set(&self, broken: bool) {
        self.broken.store(broken, Ordering::SeqCst);
    }

    fn is_broken(&self) -> bool {
        self.broken.load(Ordering::SeqCst)
    }
}

type Write = unsafe extern "C" fn(*mut ffi::sqlite3_file, *const c_void, c_int, ffi::sqlite3_int64) -> c_int;
type Sync = unsafe extern "C" fn(*mut ffi::sqlite3_file, c_int) -> c_int;

/// The file layer below.
struct Below {
    vfs: *mut ffi::sqlite3_vfs,
    /// Its calls; of one kind of file, because write-ahead logs need that kind.
    calls: OnceLock<(Write, Sync)>,
}

// SAFETY: SQLite's own layers live as long as the process and may be called from any thread.
unsafe impl Send for Below {}
// SAFETY: as above.
unsafe impl std::marker::Sync for Below {}

static BELOW: OnceLock<Below> = OnceLock::new();

/// Puts this layer above SQLite's own.
fn install() {
    BELOW.get_or_init(|| {
        // SAFETY: the layer that is found and the copy that is registered live as long as the process.
        unsafe {
            let vfs = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!vfs.is_null(), "SQLite has a file layer");
            let mut above = *vfs;
            above.zName = c"faulty".as_ptr();
            above.pNext = std::ptr::null_mut();
            above.xOpen = Some(open);
            let above: &'static mut ffi::sqlite3_vfs = Box::leak(Box::new(above));
            assert_eq!(ffi::sqlite3_vfs_register(above, 1), ffi::SQLITE_OK);
            Below { vfs, calls: OnceLock::new() }
        }
    });
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    let below = BELOW.get().expect("installed");
    // SAFETY: the arguments are SQLite's own, handed on as they came.
    let opened =
        unsafe { ((*below.vfs).xOpen.expect("a layer opens files"))(below.vfs, name, file, flags, out) };
    if opened == ffi::SQLITE_OK
        && let Some((write, sync)) = faulty(name)
    {
        // SAFETY: an opened file has calls; the copy lives as long as the process.
        unsafe {
            let mut calls = *(*file).pMethods;
            below.calls.get_or_init(|| (calls.xWrite.expect("writes"), calls.xSync.expect("syncs")));
            (calls.xWrite, calls.xSync) = (Some(write), Some(sync));
            (*file).pMethods = Box::leak(Box::new(calls));
        }
    }
    opened
}

/// The calls of a file that a fault may befall.
fn faulty(name: *const c_char) -> Option<(Write, Sync)> {
    if name.is_null() {
        return None;
    }
    // SAFETY: SQLite's names end with a zero byte.
    let name = unsafe { CStr::from_ptr(name) }.to_string_lossy();
    if name.contains(FULL.folder) {
        return Some((write_unless_full, sync_below));
    }
    name.contains(UNSYNCED.folder).then_some((write_below, sync_unless_broken))
}

fn below() -> Option<&'static (Write, Sync)> {
    BELOW.get()?.calls.get()
}

unsafe extern "C" fn write_below(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    let (write, _) = below().expect("a file was opened");
    // SAFETY: the arguments are SQLite's own, handed on as they came.
    unsafe { write(file, bytes, length, at) }
}

unsafe extern "C" fn write_unless_full(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    at: ffi::sqlite3_int64,
) -> c_int {
    match FULL.is_broken() {
        true => ffi::SQLITE_FULL,
        // SAFETY: as in `write_below`.
        false => unsafe { write_below(file, bytes, length, at) },
    }
}

unsafe extern "C" fn sync_below(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let (_, sync) = below().expect("a file was opened");
    // SAFETY: the arguments are SQLite's own, handed on as they came.
    unsafe { sync(file, flags) }
}

unsafe extern "C" fn sync_unless_broken(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    match UNSYNCED.is_broken() {
        true => ffi::SQLITE_IOERR_FSYNC,
        // SAFETY: as in `sync_below`.
        false => unsafe { sync_below(file, flags) },
    }
}
