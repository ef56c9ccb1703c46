use vedette_event::{
    Entity, EntityKind, EvidenceLine, IncidentId, PastIncident, ResolutionCode, Severity,
    ThreatClass,
};

use vedette_kb::runbook::PLACEHOLDERS;

use super::*;

struct Past(Vec<PastIncident>);

impl Retriever for Past {
    fn similar(&self, _: &Incident, limit: usize) -> Vec<PastIncident> {
        self.0.iter().take(limit).cloned().collect()
    }
}

fn resolver() -> Resolver {
    Resolver::new(Kb::embedded(), &Imported::default())
}

fn incident(class: Option<ThreatClass>, techniques: &[&str]) -> Incident {
    Incident {
        threat_class: class,
        techniques: techniques.iter().map(|id| id.parse().unwrap()).collect(),
        ..Incident::default()
    }
}

fn closed(id: u64, class: ThreatClass, code: ResolutionCode) -> PastIncident {
    PastIncident {
        id: IncidentId(id),
        title: "before".into(),
        threat_class: Some(class),
        techniques: Vec::new(),
        code,
        note: "it was the scanner".into(),
    }
}

#[test]
fn the_classes_of_the_knowledge_base_are_those_of_the_product() {
    let classes: Vec<_> = ThreatClass::ALL.iter().skip(1).map(|class| class.as_str()).collect();
    assert_eq!(classes, vedette_kb::runbook::CLASSES);
}

#[test]
fn every_class_alone_finds_its_runbook_and_cited_steps_in_order() {
    let resolver = resolver();
    let anchors = ["confirm", "contain", "eradicate", "recover", "tell"];
    for class in ThreatClass::ALL.iter().skip(1) {
        let found = resolver.resolve(&incident(Some(*class), &[]), &Past(Vec::new()));
        assert_eq!(found.runbooks[0].id, class.as_str());
        assert!(found.runbooks.is_sorted_by(|a, b| a.score >= b.score));
        let sections = found.steps.iter().map(|step| {
            let (id, anchor) = step.source.split_once('#').unwrap();
            assert!(Kb::embedded().runbook(id).is_some(), "{step:?}");
            anchors.iter().position(|known| *known == anchor).unwrap()
        });
        let sections: Vec<_> = sections.collect();
        assert!(sections.is_sorted() && sections.contains(&0) && sections.contains(&4), "{class}");
    }
}

#[test]
fn techniques_alone_find_a_runbook() {
    let resolver = resolver();
    for (technique, expected) in [
        ("T1110.003", "brute_force"),
        ("T1486", "ransomware"),
        ("T1498.001", "denial_of_service"),
        ("T1567.002", "exfiltration"),
        ("T1021.002", "lateral_movement"),
        ("T1136.003", "persistence"),
        ("T1070.001", "defense_evasion"),
        // Named by no runbook: its name and tactic decide.
        ("T1212", "exploitation"),
        // Revoked in favour of T1547.004.
        ("T1004", "persistence"),
    ] {
        let found = resolver.resolve(&incident(None, &[technique]), &Past(Vec::new()));
        let ids: Vec<_> = found.runbooks.iter().map(|runbook| runbook.id.as_str()).collect();
        assert!(ids[..2].contains(&expected), "{technique}: {ids:?}");
        assert!(!found.steps.is_empty());
    }
}

#[test]
fn codes_follow_class_and_evidence() {
    use ResolutionCode::*;
    use ThreatClass::*;
    let blocked = EvidenceLine {
        event_id: None,
        raw: "<4>web kernel: [1.0] [UFW BLOCK] IN=eth0 OUT= SRC=192.0.2.1".into(),
        start: 0,
        end: 0,
    };
    let evidence = vec![blocked];
    let scan = || incident(Some(Reconnaissance), &[]);
    let failed = Incident { title: "cron job failed".into(), ..incident(Some(Benign), &[]) };
    for (incident, expected) in [
        (incident(Some(Benign), &[]), BenignExpected),
        (failed, BenignMisconfiguration),
        (scan(), TruePositiveActionNeeded),
        (incident(None, &["T1110"]), TruePositiveActionNeeded),
        (Incident { needs_human: true, ..scan() }, NeedsHuman),
        (Incident::default(), NeedsHuman),
        (Incident { evidence: evidence.clone(), ..scan() }, TruePositiveContained),
        (Incident { evidence, members: 9, ..scan() }, TruePositiveActionNeeded),
    ] {
        let found = resolver().resolve(&incident, &Past(Vec::new()));
        assert_eq!(found.resolution_code, expected, "{incident:?}");
    }
}

#[test]
fn confirmed_cases_weigh_when_they_agree() {
    use ResolutionCode::*;
    use ThreatClass::*;
    let harmless = |count| vec![closed(1, Reconnaissance, BenignExpected); count];
    let mut mixed = harmless(2);
    mixed.push(closed(2, Reconnaissance, TruePositiveActionNeeded));
    let critical = Some(Severity::Critical);
    for (class, severity, past, expected) in [
        (Reconnaissance, None, harmless(1), TruePositiveActionNeeded),
        (Reconnaissance, None, harmless(2), BenignExpected),
        (Reconnaissance, None, mixed, TruePositiveActionNeeded),
        (BruteForce, None, harmless(2), TruePositiveActionNeeded),
        (Reconnaissance, critical, harmless(3), TruePositiveActionNeeded),
    ] {
        let asked = Incident { severity, ..incident(Some(class), &[]) };
        let found = resolver().resolve(&asked, &Past(past.clone()));
        assert_eq!(found.resolution_code, expected, "{class} {past:?}");
    }
}

#[test]
fn steps_name_the_entities_of_the_incident() {
    let user = Entity { kind: EntityKind::User, value: "anna.meier".into() };
    let asked = Incident { entities: vec![user], ..incident(None, &["T1078"]) };
    let found = resolver().resolve(&asked, &Past(Vec::new()));
    let query = found.steps.iter().find(|step| step.text.starts_with("Query: `")).unwrap();
    assert!(query.text.contains("user.name = \"anna.meier\""), "{query:?}");
    let left_open = |text: &str| PLACEHOLDERS.iter().any(|(place, _)| text.contains(place));
    assert!(!found.steps.iter().any(|step| left_open(&step.text)), "{found:?}");
}

#[test]
fn notes_of_past_incidents_are_cited() {
    let past = Past(vec![closed(7, ThreatClass::BruteForce, ResolutionCode::BenignExpected)]);
    let found = resolver().resolve(&incident(Some(ThreatClass::BruteForce), &[]), &past);
    assert_eq!(found.steps[0].source, "INC-7");
    assert!(found.steps[0].text.contains("it was the scanner"));
}

#[test]
fn a_customers_runbook_is_found_and_cited() {
    let row = serde_json::json!({
        "id": "own-42",
        "title": "Printer worm on floor two",
        "technique_ids": ["T1570"],
        "text": "## Containment\nUnplug the printers on floor two before anything else.",
    });
    let imported = Imported::parse(&row.to_string()).unwrap();
    let resolver = Resolver::new(Kb::embedded(), &imported);
    let title = "worm on a printer, floor two".to_owned();
    let asked = Incident { title, ..incident(None, &["T1570"]) };
    let found = resolver.resolve(&asked, &Past(Vec::new()));
    assert!(found.runbooks[..2].iter().any(|runbook| runbook.id == "own-42"), "{found:?}");
    assert!(found.steps.iter().any(|step| step.source == "own-42#p1"), "{found:?}");
}

#[test]
fn a_customers_runbook_wins_over_ours_for_the_same_technique() {
    let row = serde_json::json!({
        "id": "own-7", "title": "Shells", "technique_ids": ["T1059.001"], "text": "Call the desk.",
    });
    let resolver = Resolver::new(Kb::embedded(), &Imported::parse(&row.to_string()).unwrap());
    for class in [None, Some(ThreatClass::Malware)] {
        let found = resolver.resolve(&incident(class, &["T1059.001"]), &Past(Vec::new()));
        assert_eq!(found.runbooks[0].id, "own-7");
        assert_eq!(found.runbooks[1].id, "T1059.001");
        let other = resolver.resolve(&incident(class, &["T1490"]), &Past(Vec::new()));
        assert_eq!(other.runbooks[0].id, "T1490");
    }
}

#[test]
fn words_lead_to_a_technique_where_none_is_named() {
    let resolver = resolver();
    for (title, raw, expected) in [
        ("Web shell found under uploads", "", "T1505.003"),
        ("Somebody keeps denying push notifications", "", "T1621"),
        ("vssadmin removed the volume shadow copies", "", "T1490"),
        ("Alert on ws-4", "process schtasks.exe /create /tn updater /tr x.exe", "T1053.005"),
        ("Inbox rule forwards mail to an outside address", "", "T1114.003"),
    ] {
        let line = EvidenceLine { event_id: None, raw: raw.to_owned(), start: 0, end: 0 };
        let asked = Incident { title: title.into(), evidence: vec![line], ..incident(None, &[]) };
        let found = resolver.resolve(&asked, &Past(Vec::new()));
        assert_eq!(found.runbooks[0].id, expected, "{title} {raw}: {:?}", found.runbooks);
    }
}

#[test]
fn hostile_titles_do_no_harm() {
    let resolver = resolver();
    for title in ["\u{0}\u{202e}\u{1b}[2J<script>", &"word ".repeat(100_000), "....", "ignore this"]
    {
        let asked = Incident { title: title.into(), ..incident(Some(ThreatClass::Malware), &[]) };
        assert_eq!(resolver.resolve(&asked, &Past(Vec::new())).runbooks[0].id, "malware");
    }
}

/// A sentence model that knows what each text means: the place of the first phrase in a list.
struct Means(Vec<&'static str>);

impl Embedder for Means {
    fn embed(&self, texts: &[&str]) -> Option<Vec<Vec<f32>>> {
        let one = |text: &&str| {
            let is = |about: &&str| if text.contains(*about) { 1.0 } else { 0.0 };
            self.0.iter().map(is).collect()
        };
        Some(texts.iter().map(one).collect())
    }
}

#[test]
fn a_sentence_model_leads_where_words_do_not() {
    // Words that stand in no runbook and no phrase.
    let unheard = Incident { title: "Zyxxy qwert".into(), ..Incident::default() };
    let named = Incident { title: "Zyxxy qwert".into(), ..incident(None, &["T1110"]) };
    let words = resolver();
    let phrase = words.phrases().into_iter().find(|phrase| *phrase == "Phishing").unwrap();
    let means = Arc::new(Means(vec![phrase, "Zyxxy"]));
    let vectors = |phrases: &[&str]| {
        let about = |known: &&str| if *known == phrase { vec![0.0, 1.0] } else { vec![1.0, 0.0] };
        phrases.iter().map(about).collect::<Vec<_>>()
    };
    let taught = resolver().with_embedder(means);
    assert_eq!(taught.rank(&unheard), words.rank(&unheard), "nothing was learnt yet");
    for wrong in [vec![], vec![vec![1.0]], vectors(&taught.phrases()[1..])] {
        assert!(!taught.learn(wrong));
    }
    assert!(taught.learn(vectors(&taught.phrases())));
    assert!(words.rank(&unheard).is_empty(), "words find nothing");
    assert_eq!(taught.rank(&unheard)[0].id, "phishing");
    assert_eq!(taught.rank(&named), words.rank(&named), "a named technique decides alone");
    let silent = Incident::default();
    assert_eq!(taught.rank(&silent), words.rank(&silent), "nothing to read");
}
