//! `scopegate grants`.

use serde_json::json;

use super::Desk;

#[test]
fn windows_break_glass_and_delegations_are_opened_seen_and_ended() {
    let desk = Desk::open();
    desk.payer();
    let id = |told: &[serde_json::Value], member: &str| told[0][member].as_str().expect("an id").to_owned();
    let register = |name: &str| {
        let args = ["agents", "register", name, "--key-file", &desk.path(&format!("{name}.pem"))];
        desk.run("admin", &args).assert(0, "", "is registered as");
        let all = desk.json("admin", &["agents", "list"]);
        let row = all.iter().find(|row| row["name"] == name).expect("the agent");
        row["agent_id"].as_str().expect("an id").to_owned()
    };
    let (boss, bot) = (register("boss"), register("bot"));

    let open =
        ["grants", "windows", "open", &bot, "--scope", "migrate*", "--minutes", "30", "--reason", "a test"];
    desk.run("agent", &open).assert(2, "", "this needs a key of kind");
    let window = id(&desk.json("admin", &open), "grant_id");
    desk.run("admin", &["grants", "windows", "list", &bot]).assert(0, "migrate*", "");
    desk.run("admin", &["grants", "windows", "check", &bot, "migrate"]).assert(0, "active", "");
    desk.run("admin", &["grants", "windows", "check", &bot, "pay"]).assert(1, "", "no window");
    desk.run("admin", &["grants", "windows", "extend", &window, "--minutes", "5"]).assert(0, "active", "");
    desk.run("admin", &["grants", "windows", "revoke", &window]).assert(2, "", "add --yes");
    desk.run("admin", &["grants", "windows", "revoke", &window, "--yes"]).assert(0, "", "is over");
    desk.run("admin", &["grants", "windows", "show", &window]).assert(0, "revoked", "");
    desk.run(
        "admin",
        &["grants", "windows", "open", &bot, "--scope", "x", "--minutes", "0", "--reason", "r"],
    )
    .assert(2, "", "--minutes");

    let open = |why: &'static str| {
        ["grants", "breakglass", "open", &bot, "--severity", "high", "--justification", why]
    };
    desk.run("admin", &open("too short")).assert(2, "", "10");
    let glass = id(&desk.json("admin", &open("the site is down")), "grant_id");
    desk.run("admin", &["grants", "breakglass", "list"]).assert(0, "active", "");
    desk.run("admin", &["grants", "breakglass", "close", &glass]).assert(0, "closed", "");
    let stats = desk.json("admin", &["grants", "breakglass", "stats"]);
    assert_eq!((&stats[0]["total"], &stats[0]["pending_review"]), (&json!(1), &json!(1)));

    let give = ["grants", "delegations", "give", &boss, &bot, "--scope", "pay"];
    desk.run("admin", &give).assert(2, "", "nothing to hand on");
    desk.run("admin", &["grants", "delegations", "list", &bot]).assert(0, "", "");
    desk.run("admin", &["grants", "delegations", "verify", "dlg_x"]).assert(2, "", "no such grant");
    desk.run("admin", &["grants", "delegations", "revoke", "dlg_x", "--yes"]).assert(2, "", "no such");
}
