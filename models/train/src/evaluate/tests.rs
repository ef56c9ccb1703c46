use std::fs;
use std::path::{Path, PathBuf};

use clap::Parser;
use vedette_event::{Decider, ScoredTechnique};

use super::figures::Mark;
use super::*;
use crate::dataset::{Kind, Label, Row, Split, Truth};
use crate::learnt::LearntTemplates;
use crate::recipe::Recipe;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    recipe: Recipe,
}

fn recipe() -> Recipe {
    Cli::parse_from(["test"]).recipe
}

fn sample(at: usize, source: &str, text: &str, truth: Truth, techniques: &[&str]) -> Sample {
    let techniques: Vec<TechniqueId> = techniques.iter().map(|id| id.parse().unwrap()).collect();
    let parents = techniques.iter().map(|technique| technique.parent()).collect();
    let truth = Truth { techniques: parents, ..truth };
    Sample {
        id: at.to_string(),
        raw: text.to_owned(),
        row: Row::new(Kind::Log, source, format!("{source}:{at}"), text, truth),
        techniques,
        novelty: 0.0,
        learnt: false,
    }
}

fn labelled(value: bool, strong: bool) -> Truth {
    Truth { malicious: Some(Label { value, strong }), ..Truth::default() }
}

fn answer(malicious: f32, verdict: VerdictLabel) -> Answer {
    Answer {
        malicious,
        verdict,
        class: ThreatClass::Benign,
        severity: Severity::Low,
        techniques: Vec::new(),
        abstained: false,
    }
}

fn naming(techniques: &[&str]) -> Answer {
    let techniques = techniques.iter().map(|id| id.parse().unwrap()).collect();
    Answer { techniques, ..answer(0.5, VerdictLabel::Benign) }
}

fn figures(of: &[(Sample, Answer)]) -> Figures {
    let marks: Vec<Mark> = of.iter().map(|(sample, answer)| Mark::of(sample, answer)).collect();
    Figures::of(&marks.iter().collect::<Vec<_>>())
}

#[track_caller]
fn check(figure: f64, expected: f64) {
    let same = (figure - expected).abs() < 1e-6 || figure.is_nan() && expected.is_nan();
    assert!(same, "{figure} is not {expected}");
}

#[test]
fn detection_follows_the_verdict_and_knows_weak_labels() {
    use VerdictLabel::{Benign, Malicious, Suspicious};
    let lines: Vec<_> = [
        (0.9, Malicious, true, true),
        // Flagged below one half: the verdict counts, not the score.
        (0.4, Suspicious, true, true),
        (0.6, Benign, false, true),
        (0.7, Suspicious, false, true),
        (0.8, Malicious, false, false),
        (0.2, Benign, true, false),
    ]
    .into_iter()
    .map(|(score, verdict, truth, strong)| {
        (sample(0, "wazuh", "a line", labelled(truth, strong), &[]), answer(score, verdict))
    })
    .collect();
    let of = figures(&lines);
    let (strong, any) = (&of.strong, &of.any);
    assert_eq!((strong.binary.lines, any.binary.lines), (4, 6));
    check(strong.binary.recall, 1.0);
    check(strong.binary.false_positives, 0.5);
    check(strong.binary.balanced, 0.75);
    check(strong.binary.accuracy, 0.75);
    // 0.9 beats both benign scores, 0.4 none.
    check(strong.binary.auc, 0.5);
    check(strong.binary.precision, 0.001 / (0.001 + 0.5 * 0.999));
    check(strong.outright, 0.0);
    // Bins 0.4, 0.6, 0.7, 0.9, a quarter each: |0.4-1|, 0.6, 0.7, |0.9-1|.
    check(strong.binary.calibration, (0.6 + 0.6 + 0.7 + 0.1) / 4.0);
    check(any.binary.recall, 2.0 / 3.0);
    check(any.binary.false_positives, 2.0 / 3.0);
    check(any.outright, 1.0 / 3.0);
    check(of.class.accuracy, f64::NAN);
}

#[test]
fn one_kind_of_label_tells_no_borders() {
    let line =
        (sample(0, "sigma", "x", labelled(true, true), &[]), answer(0.9, VerdictLabel::Malicious));
    let of = figures(&[line]).strong.binary;
    check(of.recall, 1.0);
    for figure in [of.balanced, of.auc, of.false_positives, of.precision, of.calibration] {
        check(figure, f64::NAN);
    }
}

#[test]
fn classes_are_right_by_the_contract() {
    use ThreatClass::{Benign, Exploitation, WebAttack};
    for (text, truth, said, right, strict) in [
        ("GET /cgi-bin HTTP/1.1", Exploitation, WebAttack, 1.0, 0.0),
        ("kernel: overflow", Exploitation, WebAttack, 0.0, 0.0),
        ("GET /cgi-bin HTTP/1.1", WebAttack, Exploitation, 0.0, 0.0),
        ("GET /cgi-bin HTTP/1.1", Exploitation, Exploitation, 1.0, 1.0),
        ("GET / HTTP/1.1", Benign, WebAttack, 0.0, 0.0),
    ] {
        let truth = Truth { class: Some(truth), ..Truth::default() };
        let said = Answer { class: said, ..answer(0.5, VerdictLabel::Benign) };
        let of = figures(&[(sample(0, "crowdsec", text, truth, &[]), said)]).class;
        check(of.accuracy, right);
        check(of.macro_f1, right);
        check(of.strict, strict);
    }
}

#[test]
fn techniques_are_right_exactly_by_parent_or_among_three_parents() {
    for (truth, said, expected) in [
        (&["T1110.001"][..], &["T1110.001"][..], [1.0, 1.0, 1.0]),
        (&["T1110.001"], &["T1110.003"], [0.0, 1.0, 1.0]),
        (&["T1110", "T1078"], &["T1078"], [1.0, 1.0, 1.0]),
        // Two of one parent take one of the three places.
        (&["T1110"], &["T1059.001", "T1059.003", "T1078", "T1110"], [0.0, 0.0, 1.0]),
        (&["T1110"], &["T1059", "T1078", "T1190", "T1110"], [0.0, 0.0, 0.0]),
        (&["T1110"], &[], [0.0, 0.0, 0.0]),
    ] {
        let line = sample(0, "sigma", "x", Truth::default(), truth);
        let of = figures(&[(line, naming(said))]).technique;
        assert_eq!([of.exact, of.parent, of.parent_in_three], expected, "{said:?} for {truth:?}");
    }
    let unlabelled = sample(0, "sigma", "x", Truth::default(), &[]);
    assert_eq!(figures(&[(unlabelled, naming(&["T1110"]))]).technique.lines, 0);
}

#[test]
fn informational_counts_as_low() {
    use Severity::{High, Informational, Low, Medium};
    let lines: Vec<_> = [(Informational, Low), (Low, Low), (Medium, High), (High, High)]
        .into_iter()
        .map(|(said, truth)| {
            let truth = Truth { severity: Some(truth), ..Truth::default() };
            let said = Answer { severity: said, ..answer(0.5, VerdictLabel::Benign) };
            (sample(0, "wazuh", "x", truth, &[]), said)
        })
        .collect();
    let of = figures(&lines).severity;
    check(of.accuracy, 0.75);
    // Low 1; high 2 of 2 true, 1 said: 2/3.
    check(of.macro_f1, (1.0 + 2.0 / 3.0) / 2.0);
    // Missed 1; by chance (2*2*4 + 1*2*1 + 1*2*1 + 1*2*4) / 4 = 7.
    check(of.kappa, 1.0 - 1.0 / 7.0);
}

#[test]
fn lines_left_to_a_person_are_counted_apart() {
    let lines: Vec<_> = [(0.9, true, false), (0.55, false, true), (0.1, false, false)]
        .into_iter()
        .map(|(score, truth, abstained)| {
            let verdict = if score > 0.5 { VerdictLabel::Malicious } else { VerdictLabel::Benign };
            let said = Answer { abstained, ..answer(score, verdict) };
            Mark::of(&sample(0, "wazuh", "x", labelled(truth, true), &[]), &said)
        })
        .collect();
    let of = Abstention::of(&lines.iter().collect::<Vec<_>>());
    check(of.share, 1.0 / 3.0);
    check(of.detection, 1.0);
    let points: Vec<(f64, f64)> = of.curve.iter().map(|at| (at.coverage, at.accuracy)).collect();
    check(points[0].0, 1.0);
    check(points[0].1, 2.0 / 3.0);
    check(points[1].0, 2.0 / 3.0);
    check(points[1].1, 1.0);
}

#[test]
fn novelty_is_what_no_template_shares() {
    let templates = ["failed password for <*>", "accepted key for <*>", "failed password for <*>"];
    let index = novelty::Templates::of(templates.into_iter());
    for (template, expected) in [
        ("Failed password for <*>", 0.0),
        ("failed password", 1.0 - 2.0 / 3.0),
        ("failed key for", 1.0 - 2.0 / 4.0),
        ("link down", 1.0),
        ("", 1.0),
    ] {
        check(f64::from(index.novelty(template)), expected);
    }
    check(f64::from(novelty::Templates::of([].into_iter()).novelty("link down")), 1.0);
}

/// Two judges on forty lines of both labels, each line its group: one knows, one guesses.
fn contest() -> (Vec<Sample>, Vec<(String, Vec<Answer>)>) {
    let samples: Vec<Sample> = (0..40)
        .map(|at| {
            let truth = Truth {
                class: Some(if at % 2 == 0 { ThreatClass::Malware } else { ThreatClass::Benign }),
                severity: Some(if at % 4 == 0 { Severity::High } else { Severity::Low }),
                ..labelled(at % 2 == 0, true)
            };
            let source = if at < 20 { "wazuh" } else { "ossec & <co>" };
            Sample { novelty: at as f32 / 40.0, ..sample(at, source, "a line", truth, &["T1204"]) }
        })
        .collect();
    let judge = |knows: bool| {
        let say = |(at, sample): (usize, &Sample)| {
            let malicious = if knows { at % 2 == 0 } else { at % 3 == 0 };
            let verdict = if malicious { VerdictLabel::Malicious } else { VerdictLabel::Benign };
            let class = if knows { sample.row.truth.class } else { None };
            Answer {
                class: class.unwrap_or(ThreatClass::Benign),
                ..answer(if malicious { 0.8 } else { 0.1 }, verdict)
            }
        };
        samples.iter().enumerate().map(say).collect::<Vec<_>>()
    };
    let judges = vec![
        ("<knows> & tells".to_owned(), judge(true)),
        ("guesses".to_owned(), judge(false)),
        (PROBE.to_owned(), judge(false)),
    ];
    (samples, judges)
}

#[test]
fn who_knows_is_better_than_who_guesses() {
    let (samples, judges) = contest();
    let pairs = vec![
        ("<knows> & tells".to_owned(), "guesses".to_owned()),
        ("guesses".to_owned(), "nobody".to_owned()),
    ];
    let report = Sheet { samples: &samples, judges, pairs }.report().unwrap();
    let all = &report.slices[0];
    assert_eq!((all.name.as_str(), all.lines, all.groups), ("all", 40, 40));
    let found = |judge: &str, against: &str, part: Part, figure: &str| {
        let mut found = all.comparisons.iter().filter(|c| {
            (c.judge.as_str(), c.against.as_str(), c.part, c.figure)
                == (judge, against, part, figure)
        });
        found.next().map(|comparison| (comparison.finding, found.next().is_none()))
    };
    let better = Some((Finding::Better, true));
    let even = Some((Finding::Undecided, true));
    for (judge, against, part, figure, expected) in [
        ("<knows> & tells", "guesses", Part::Strong, "balanced accuracy", better),
        ("<knows> & tells", "guesses", Part::Strong, "benign flagged", better),
        ("<knows> & tells", "guesses", Part::Class, "accuracy", better),
        ("<knows> & tells", "guesses", Part::Severity, "macro F1", even),
        ("<knows> & tells", PROBE, Part::Class, "macro F1", better),
        ("guesses", PROBE, Part::Class, "macro F1", even),
        ("guesses", "nobody", Part::Class, "macro F1", None),
    ] {
        assert_eq!(found(judge, against, part, figure), expected, "{judge}, {against}, {figure}");
    }
    let at = |name: &str| FIGURES.iter().position(|figure| figure.name == name).unwrap();
    let knows = &all.judges[0];
    assert_eq!(knows.intervals[at("balanced accuracy")], Some(Interval { low: 1.0, high: 1.0 }));
    let Interval { low, high } = all.judges[1].intervals[at("balanced accuracy")].unwrap();
    let figure = all.judges[1].figures.strong.binary.balanced;
    assert!(low < figure && figure < high && high - low < 0.5, "{low} {figure} {high}");
}

#[test]
fn few_groups_give_no_interval() {
    let (mut samples, judges) = contest();
    for (at, sample) in samples.iter_mut().enumerate() {
        sample.row.group = (at % 4).to_string();
    }
    let report = Sheet { samples: &samples, judges, pairs: Vec::new() }.report().unwrap();
    let all = &report.slices[0];
    assert_eq!(all.groups, 4);
    assert!(all.judges.iter().all(|judged| judged.intervals.iter().all(Option::is_none)));
    assert!(all.comparisons.iter().all(|c| c.finding == Finding::Undecided));
}

#[test]
fn lines_are_sliced_by_source_and_novelty() {
    let (samples, _) = contest();
    let names: Vec<(String, usize)> =
        slices::slices(&samples).into_iter().map(|(name, rows)| (name, rows.len())).collect();
    let expected = [
        ("all", 40),
        ("wazuh+ossec", 20),
        ("ossec & <co>", 20),
        ("wazuh", 20),
        ("novelty 0.00 to 0.25", 11),
        ("novelty 0.28 to 0.50", 10),
        ("novelty 0.52 to 0.75", 10),
        ("novelty 0.77 to 0.98", 9),
    ];
    assert_eq!(names, expected.map(|(name, lines)| (name.to_owned(), lines)));
    let alone = slices::slices(&samples[..1]);
    assert_eq!(alone, [("all".to_owned(), vec![0])]);
}

#[test]
fn lines_that_the_screen_learnt_from_are_told_apart() {
    let (mut samples, judges) = contest();
    for sample in &mut samples[..3] {
        sample.row.template = "learnt".to_owned();
    }
    let mut data = Data { samples, train: Vec::new() };
    data.mark(&LearntTemplates::of(1, ["learnt", "never measured"].into_iter()));
    let slices = slices::slices(&data.samples);
    assert_eq!(slices[1], ("template learnt by the screen".to_owned(), vec![0, 1, 2]));
    assert_eq!(slices[2].1.len(), data.samples.len() - 3);
    let sheet = Sheet { samples: &data.samples, judges, pairs: Vec::new() };
    let report = sheet.report().unwrap();
    assert_eq!(report.learnt, 3);
    assert!(report.markdown().contains("lines like 3 of these 40"), "{}", report.markdown());
}

#[test]
fn the_report_is_the_same_every_time_and_safe_to_open() {
    let (samples, judges) = contest();
    let folder = tempfile::tempdir().unwrap();
    let files =
        ["report.md", "report.json", "confusion.svg", "reliability.svg", "precision-recall.svg"];
    let write = |name: &str| -> Vec<String> {
        let sheet = Sheet { samples: &samples, judges: judges.clone(), pairs: Vec::new() };
        let mut report = sheet.report().unwrap();
        let pair = (judges[0].1[0].clone(), judges[0].1[0].clone());
        report.differentials.push(("guesses".to_owned(), Differential::of(&[pair])));
        let out = folder.path().join(name);
        report.write(&out).unwrap();
        files.iter().map(|file| fs::read_to_string(out.join(file)).unwrap()).collect()
    };
    let first = write("first");
    assert_eq!(first, write("second"));
    let [page, json, plots @ ..] = first.as_slice() else { panic!("too few files") };
    for text in [
        "## All lines",
        "| guesses | 1 | 1 | 1 | 1 | 1 | 1 |",
        "**&lt;knows&gt; &amp; tells**",
        "## Lines: ossec &amp; &lt;co&gt;",
    ] {
        assert!(page.contains(text), "{text} in {page}");
    }
    let read: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(read["slices"][0]["judges"][0]["figures"]["strong"]["balanced"], 1.0);
    assert_eq!(read["confusion"]["classes"], serde_json::json!(["benign", "malware"]));
    assert_eq!(read["confusion"]["counts"], serde_json::json!([[20, 0], [0, 20]]));
    for plot in plots {
        assert!(plot.starts_with("<svg ") && plot.ends_with("</svg>\n"), "{plot}");
        assert!(!plot.contains("<knows>") && !plot.contains("NaN"), "{plot}");
        assert!(plot.contains("&lt;knows&gt; &amp; tells"), "{plot}");
    }
}

#[test]
fn an_answer_short_is_an_error() {
    let (samples, mut judges) = contest();
    judges[1].1.pop();
    let error = Sheet { samples: &samples, judges, pairs: Vec::new() }.report().unwrap_err();
    assert_eq!(error.to_string(), "guesses gave 39 answers to 40 lines");
    assert!(Sheet { samples: &samples, judges: Vec::new(), pairs: Vec::new() }.report().is_err());
}

#[test]
fn an_answer_is_what_the_verdict_says() {
    let verdict = Verdict {
        verdict: VerdictLabel::Suspicious,
        score: 0.7,
        threat_class: ThreatClass::Malware,
        techniques: vec![ScoredTechnique { id: "T1204.002".parse().unwrap(), score: 0.5 }],
        severity: Severity::High,
        abstained: true,
        decided_by: Decider::Ensemble,
        template: String::new(),
        evidence: Vec::new(),
        flags: Vec::new(),
        rules: Vec::new(),
        bundle: String::new(),
    };
    let expected = Answer {
        class: ThreatClass::Malware,
        severity: Severity::High,
        abstained: true,
        malicious: 0.7,
        verdict: VerdictLabel::Suspicious,
        ..naming(&["T1204.002"])
    };
    assert_eq!(Answer::from(&verdict), expected);
}

#[test]
fn twins_differ_where_the_answers_do() {
    let plain = answer(0.9, VerdictLabel::Malicious);
    let pairs = [
        (plain.clone(), Answer { malicious: 0.8, ..plain.clone() }),
        (plain.clone(), Answer { verdict: VerdictLabel::Suspicious, ..plain.clone() }),
        (plain.clone(), Answer { class: ThreatClass::Malware, ..plain.clone() }),
        (plain.clone(), Answer { severity: Severity::High, ..plain.clone() }),
        (plain.clone(), Answer { techniques: naming(&["T1204"]).techniques, ..plain }),
    ];
    let expected =
        Differential { pairs: 5, verdict: 4, class: 4, techniques: 4, severity: 4, all: 1 };
    assert_eq!(Differential::of(&pairs), expected);
}

const LINES: &str = r#"{"id":"a","raw":"disk 17 is full on arrival","group":"g1","split":"dev","label_malicious":false,"label_strength":"strong","threat_class":"NO THREAT","technique_ids":[],"severity":"low"}
{"raw":"shell spawned by nginx","technique_ids":["T1505.003","nonsense"]}
{"raw":"link up on eth0","group":"g2","split":"train","source":"switches"}
{"raw":"link lost on eth0","group":"g1","split":"train"}
{"raw":"disk 18 is full on arrival","group":"g3","split":"train"}
"#;

#[test]
fn a_folder_is_read_by_split_and_nothing_measured_is_learnt() {
    let folder = tempfile::tempdir().unwrap();
    let logs = folder.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("box.jsonl"), LINES).unwrap();
    fs::write(logs.join("box_sessions.jsonl"), "{}").unwrap();
    fs::write(logs.join("notes.txt"), "no line").unwrap();
    for path in [folder.path(), &logs, &logs.join("box.jsonl")] {
        let mut data = read(path, Split::Dev).unwrap();
        let ids: Vec<&str> = data.samples.iter().map(|sample| sample.id.as_str()).collect();
        assert_eq!(ids, ["a", "box:2"]);
        let second = &data.samples[1];
        assert_eq!((second.row.source.as_str(), second.row.group.as_str()), ("box", "box:2"));
        assert_eq!(second.techniques, ["T1505.003".parse().unwrap()]);
        // Only the switch shares neither group nor template; it shares the word "on".
        assert_eq!(data.train.len(), 1);
        assert_eq!(data.train[0].row.source, "switches");
        assert!(data.samples[0].novelty > 0.5 && data.samples[0].novelty < 1.0);
        data.train_on(&logs).unwrap();
        assert_eq!(data.train.len(), 1);
    }
    assert!(read(&folder.path().join("nowhere"), Split::Dev).is_err());
    let empty = tempfile::tempdir().unwrap();
    assert!(read(empty.path(), Split::Dev).unwrap_err().to_string().contains("no file of"));
}

#[test]
fn baselines_learn_and_the_probe_sees_no_words() {
    let lines = |from: usize| -> Vec<Sample> {
        (from..from + 40)
            .map(|at| {
                let (text, class, technique) = if at % 2 == 0 {
                    (format!("login refused for user{at}"), ThreatClass::BruteForce, "T1110.001")
                } else {
                    (format!("backup finished for host{at}"), ThreatClass::Benign, "T1078")
                };
                let truth = Truth { class: Some(class), ..labelled(at % 2 == 0, true) };
                sample(at, "box", &text, truth, &[technique])
            })
            .collect()
    };
    let (train, test) = (lines(0), lines(100));
    assert!(baselines(&[], &test, &recipe()).is_empty());
    let judges = baselines(&train, &test, &recipe());
    let figures = |at: usize| {
        let of = test.iter().cloned().zip(judges[at].1.iter().cloned()).collect::<Vec<_>>();
        figures(&of)
    };
    let names: Vec<&str> = judges.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, [MAJORITY, BAYES, PROBE]);
    for (judge, balanced, technique) in [(0, 0.5, 0.5), (1, 1.0, 1.0), (2, 0.5, 0.5)] {
        check(figures(judge).strong.binary.balanced, balanced);
        check(figures(judge).technique.exact, technique);
    }
}

/// The shared data, where it is at hand.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let folder = std::env::var_os("VEDETTE_SHARED").map_or(beside, PathBuf::from).join("data");
    if !folder.is_dir() {
        println!("not applicable: shared data is absent");
        return None;
    }
    Some(folder)
}

#[test]
fn the_shared_data_is_measured() {
    let Some(folder) = shared() else { return };
    let twins = twins(&folder).unwrap();
    assert!(twins.len() > 100 && twins.iter().all(|pair| !pair.twin.is_empty()));
    let data = read(&folder, Split::Dev).unwrap();
    assert!(data.train.len() > data.samples.len());
    let judges = baselines(&data.train, &data.samples, &recipe());
    let pairs = vec![(BAYES.to_owned(), PROBE.to_owned())];
    let report = Sheet { samples: &data.samples, judges, pairs }.report().unwrap();
    let all = &report.slices[0].judges;
    check(all[0].figures.strong.binary.balanced, 0.5);
    check(all[0].figures.severity.kappa, 0.0);
    assert!(all[1].figures.strong.binary.auc > 0.6, "{:?}", all[1].figures.strong);
    let kept: usize =
        report.slices.iter().filter(|s| s.name.starts_with("novelty")).map(|s| s.lines).sum();
    assert_eq!(kept, data.samples.len());
    if let Some(out) = std::env::var_os("VEDETTE_REPORT") {
        report.write(Path::new(&out)).unwrap();
    }
}
