//! What a process permitted without the plane and did not send before it ended.

use std::fs;
use std::path::PathBuf;

use scopegate_core::{Provision, Sessions};

use super::super::lock;
use super::plane::{Way, refuse, say};
use super::scene::{Scene, enforcer, try_enforcer};
use crate::remote::RemoteEnforcer;

const FIRST: u64 = (1 << 49) + 1;

/// A process that permitted so many calls while the plane was silent.
async fn opened(scene: &Scene, permits: usize) {
    scene.plane.turn("enforce", say(503, ""));
    scene.plane.turn("scope", Way::Hang);
    scene.clocks.0.advance(super::scene::PAST);
    for _ in 0..permits {
        assert_eq!(scene.word("read").await, "PERMIT");
    }
}

/// It ends, without a word; what is left of it.
async fn crash(scene: Scene) -> Scene {
    let Scene { plane, enforcer: gone, clocks, folder, who, seat } = scene;
    let inner = std::sync::Arc::downgrade(&gone.inner);
    drop(gone);
    while inner.strong_count() > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await; // what was being loaded
    }
    let elsewhere = tempfile::tempdir().unwrap();
    let spare = enforcer(&plane, &clocks, Some(elsewhere.path()));
    plane.usual("enforce");
    plane.usual("scope");
    plane.usual("journal");
    Scene { plane, enforcer: spare, clocks, folder, who, seat }
}

fn next(scene: &Scene) -> RemoteEnforcer {
    enforcer(&scene.plane, &scene.clocks, Some(scene.folder.path()))
}

fn told(scene: &Scene) -> Vec<u64> {
    let says = lock(&scene.plane.says);
    says.taken.get(&(scene.seat.id.to_string(), true)).map(|(.., told)| told.clone()).unwrap_or_default()
}

fn files(scene: &Scene) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(scene.folder.path()).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files.retain(|file| file.metadata().unwrap().len() > 0);
    files
}

#[tokio::test]
async fn is_sent_by_the_next_one_and_removed() {
    let scene = Scene::new(true).await;
    opened(&scene, 3).await;
    let scene = crash(scene).await;
    assert_eq!(told(&scene), Vec::<u64>::new(), "nothing was sent");
    assert_eq!(files(&scene).len(), 1);
    let later = next(&scene);
    assert!(later.flush().await);
    assert_eq!(told(&scene), [FIRST, FIRST + 1, FIRST + 2]);
    let sent = scene.plane.asked("journal").pop().unwrap();
    assert_eq!(sent["fail_open"], true, "marked as it would have been");
    assert!(later.close().await);
    assert_eq!(files(&scene), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn what_had_arrived_is_not_sent_twice_and_what_had_not_is_whole() {
    // The last batch before the end: it arrived; it arrived and the answer was lost; it did not.
    for way in [None, Some(Way::Drop), Some(refuse(500))] {
        let scene = Scene::new(true).await;
        opened(&scene, 2).await;
        assert!(scene.enforcer.flush().await);
        opened(&scene, 2).await;
        lock(&scene.plane.says).lose = matches!(way, Some(Way::Drop));
        if let Some(Way::Say(..)) = way {
            scene.plane.turn("journal", way.clone().unwrap());
        }
        assert_eq!(scene.enforcer.flush().await, way.is_none());
        lock(&scene.plane.says).lose = false;
        opened(&scene, 3).await;
        let scene = crash(scene).await;
        // It takes two more processes: the first one ends before it is told anything.
        scene.plane.turn("journal", say(503, ""));
        let first = next(&scene);
        assert!(!first.flush().await);
        drop(first);
        scene.plane.usual("journal");
        let second = next(&scene);
        assert!(second.flush().await, "{way:?}");
        assert_eq!(told(&scene), (FIRST..FIRST + 7).collect::<Vec<_>>(), "{way:?}: each once, in order");
        assert_eq!(second.counts().lost, 0);
        assert!(second.close().await);
        assert_eq!(files(&scene), Vec::<PathBuf>::new());
    }
}

#[tokio::test]
async fn half_a_line_was_never_permitted_and_is_left_out() {
    let scene = Scene::new(true).await;
    opened(&scene, 2).await;
    let scene = crash(scene).await;
    let file = files(&scene).pop().unwrap();
    let mut text = fs::read_to_string(&file).unwrap();
    text.push_str(&text.lines().last().unwrap().to_owned()[..40]);
    fs::write(&file, text).unwrap();
    let later = next(&scene);
    assert!(later.flush().await);
    assert_eq!(told(&scene), [FIRST, FIRST + 1]);
}

#[tokio::test]
async fn what_is_not_of_ours_is_told_and_left_alone() {
    for (name, text) in [
        ("records.jsonl", "not a record\n"),
        ("records-000000000000.jsonl", "{}\n"),
        ("unsent-x-000000000000.jsonl", "\u{0}\n"),
        ("sent.jsonl", "{\"session\":\"x\"}\n"),
        (
            "sent.jsonl",
            "{\"session\":\"00000000000000000000000000000001\",\"batch\":1,\"records\":1,\"more\":1}\n",
        ),
    ] {
        let scene = Scene::new(false).await;
        let file = scene.folder.path().join(name);
        fs::write(&file, text).unwrap();
        let refused = try_enforcer(&scene.plane, &scene.clocks, Some(scene.folder.path())).err().unwrap();
        assert!(refused.to_string().contains(name), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "{name}");
    }
}

#[tokio::test]
async fn records_that_were_changed_or_are_missing_are_not_sent() {
    type Spoil = fn(&str) -> String;
    let spoil: [Spoil; 4] = [
        |text| text.replacen("permit", "ran", 1),
        |text| {
            text.lines()
                .enumerate()
                .filter(|(at, _)| *at != 1)
                .map(|(_, line)| line.to_owned() + "\n")
                .collect()
        },
        |text| format!("{text}{}\n", text.lines().next().unwrap()),
        |text| text.replacen("{", "{\"seq\":0,", 1),
    ];
    for spoil in spoil {
        let scene = Scene::new(true).await;
        opened(&scene, 3).await;
        let scene = crash(scene).await;
        let file = files(&scene).pop().unwrap();
        let spoiled = spoil(&fs::read_to_string(&file).unwrap());
        fs::write(&file, &spoiled).unwrap();
        let refused = try_enforcer(&scene.plane, &scene.clocks, Some(scene.folder.path())).err().unwrap();
        assert!(refused.to_string().contains("records.jsonl"), "{refused}");
        assert_eq!(fs::read_to_string(&file).unwrap(), spoiled);
    }
}

#[tokio::test]
async fn records_of_an_embedded_enforcer_are_not_taken_for_ours() {
    let scene = Scene::new(false).await;
    let folder = scene.folder.path();
    let policy = scopegate_engine::Policy::new([scopegate_core::Role::new("clerk").allow(["read"])]);
    let sink = scopegate_engine::FileSink::open(folder, 0).unwrap();
    let local = scopegate_engine::LocalEnforcer::builder(policy)
        .record_to(sink, scopegate_engine::Durability::Durable)
        .build()
        .unwrap();
    let who = local.open(Provision::new("clerk", "ann")).unwrap().principal;
    let call = scopegate_core::ToolCall::new("read").with_args(scopegate_core::Args::none());
    let request = scopegate_core::AccessRequest::new(who.as_ref(), &call);
    scopegate_core::Enforcer::enforce(&local, &request).await.unwrap();
    drop(local);
    let refused = try_enforcer(&scene.plane, &scene.clocks, Some(folder)).err().unwrap();
    assert!(refused.to_string().contains("another kind"), "{refused}");
    assert!(folder.join("records.jsonl").exists());
}

#[tokio::test]
async fn one_process_at_a_time_has_a_folder() {
    let scene = Scene::new(true).await;
    let refused = try_enforcer(&scene.plane, &scene.clocks, Some(scene.folder.path())).err().unwrap();
    assert!(refused.to_string().contains("in use by another process"), "{refused}");
    let scene = crash(scene).await;
    next(&scene);
}

#[tokio::test]
async fn what_the_plane_refused_before_is_kept_too_and_the_rest_is_sent() {
    for close in [false, true] {
        let scene = Scene::new(true).await;
        opened(&scene, 2).await;
        let neighbour = scene.enforcer.provision(Provision::new("clerk", "ann")).await.unwrap().principal;
        scene.clocks.0.advance(super::scene::PAST);
        assert_eq!(super::scene::word(&scene.enforcer, &neighbour, "read").await, "PERMIT");
        scene.plane.turn_session("journal", scene.seat.id, refuse(409));
        assert!(scene.enforcer.flush().await);
        assert_eq!(scene.enforcer.counts().lost, 2);
        scene.plane.turn("session", say(200, "{}"));
        if close {
            assert!(scene.enforcer.close().await);
        }
        let scene = crash(scene).await;
        let later = next(&scene);
        assert!(later.flush().await);
        assert_eq!(later.counts().lost, 0, "it is not sent again");
        assert_eq!(told(&scene), Vec::<u64>::new());
        assert!(later.close().await);
        let kept = files(&scene);
        let [kept] = &kept[..] else { panic!("{kept:?}") };
        assert!(kept.to_str().unwrap().contains("refused-"));
        assert_eq!(fs::read_to_string(kept).unwrap().matches("\"permit\"").count(), 3);
    }
}

#[tokio::test]
async fn what_the_plane_refuses_is_kept() {
    let scene = Scene::new(true).await;
    opened(&scene, 2).await;
    let scene = crash(scene).await;
    scene.plane.turn("journal", refuse(404));
    let later = next(&scene);
    assert!(later.flush().await);
    assert_eq!(later.counts().lost, 2);
    let kept = files(&scene).into_iter().filter(|file| file.to_str().unwrap().contains("refused-")).count();
    assert_eq!(kept, 1);
    scene.plane.usual("journal");
    // It is not sent again, and this process may go on.
    let opened = later.provision(Provision::new("clerk", "ann")).await.unwrap();
    assert_eq!(super::scene::at_once(&later, &opened.principal, "read"), Some("PERMIT"));
    drop(later);
    assert!(next(&scene).flush().await);
    assert_eq!(told(&scene), Vec::<u64>::new());
}
