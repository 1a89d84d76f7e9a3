//! The example runs to its end and says what it shows.

use std::process::Command;

#[test]
fn the_example_says_what_it_shows() {
    let tests = std::env::current_exe().expect("this program");
    let built = tests.ancestors().nth(2).expect("the build's folder").join("examples/swarms_agent");
    let output = Command::new(built).output().expect("`cargo test` of the whole package builds it");
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{stdout}{stderr}", output.status);
    for told in [
        "not run: PARAMETER_VIOLATION pay\n",
        "not run: SCOPE_VIOLATION transfer_to_accountant\n",
        "`pay` was not run: `to` must be one of ",
        "dana approves pay {",
        "paid: bob 40\n",
        "paid: carol 400\n",
        "the accountant was asked 0 times\n",
    ] {
        assert!(stdout.contains(told), "it does not say `{told}`, but:\n{stdout}{stderr}");
    }
}
