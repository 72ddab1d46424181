import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toolsNamed } from "./tool-naming.ts";

const CHANGING = [
  "send_money",
  "delete_file",
  "set_daily_limit",
  "change_standing_order",
  "cancel_standing_order",
  "calendarEventCreate",
  "gmail.send_email",
  "server__share_page",
  "write_file",
  "frobnicate",
];
const TOOLS = [
  ...CHANGING.map((name) => ({ name, changes: true })),
  { name: "read_file", changes: false },
  { name: "delete_preview", changes: false },
];

describe("what the requester's words name", () => {
  test.each([
    ["Pay the bill.", ["send_money"]],
    ["Please send 20 to Bob.", ["send_money", "gmail.send_email"]],
    ["Delete the file a.txt.", ["delete_file"]],
    // Nothing more is said of what is deleted: then it is any of them, and the value says which.
    ["Delete a.txt.", ["cancel_standing_order", "delete_file"]],
    ["I think of cancelling the standing order.", ["cancel_standing_order"]],
    ["Change the standing order to 20.", ["change_standing_order"]],
    ["Raise the daily limit.", ["set_daily_limit"]],
    ["Change the standing order, and raise the limit.", ["change_standing_order", "set_daily_limit"]],
    ["Make an event at noon.", ["calendarEventCreate"]],
    ["E-mail it to Bob.", ["gmail.send_email"]],
    ["Write it into a file.", ["write_file"]],
    ["SHARE the page with Bob.", ["server__share_page"]],
    ["Frobnicate it.", ["frobnicate"]],
  ])("%s", (task, names) => {
    expect([...toolsNamed(task, TOOLS)].toSorted()).toEqual(names.toSorted());
  });

  test.each([
    ["What is the weather?"],
    ["Read invoice.txt, then sum it up."],
    ["Do not delete anything."],
    ["Look, but don’t ever delete it."],
    ["Sum up without sharing anything."],
    ['Is "delete the file" good English?'],
    ["Is “cancel it” good English?"],
    ["See delete.me@send.example and /write/delete/pay.txt."],
    ["What does deletion-of-files_policy.md say?"],
    ["Lösche die Datei nicht."],
    ["Lies «Lösche die Datei» vor."],
    ["Ne supprime pas le fichier."],
    ["N'envoie rien."],
    ["No borres nada, no elimines el archivo."],
    ["ファイルを削除しないでください。"],
    ["「ファイルを削除して」を訳してください。"],
    ["読むのは /削除/ファイル.txt だけ。"],
    ["Dosyayı sil."],
    ["Не удаляйте и не удалите файл."],
    ["Não apague o ficheiro."],
    ["Non eliminare il file a.txt."],
    ["Verwijder het bestand niet."],
    ["Nie usuń pliku."],
    ["不要删除文件。"],
    ["如果不想删除文件，"],
    ["파일을 삭제하지 마세요."],
    ["파일을 삭제하지 않고 읽어 줘."],
    [""],
  ])("nothing: %s", (task) => {
    expect([...toolsNamed(task, TOOLS)]).toEqual([]);
  });

  test.each([
    ["Lösche die Datei a.txt.", ["delete_file"]],
    ["Bitte ÜBERWEISE 20 Euro an Bob.", ["send_money"]],
    ["Erhöhe das Tageslimit auf 20.", ["set_daily_limit"]],
    ["Kündige den Dauerauftrag.", ["cancel_standing_order"]],
    ["Lege für morgen einen Termin an.", ["calendarEventCreate"]],
    ["Lege die Zahlen nicht an Bob aus.", []],
    ["Supprime le fichier a.txt, puis envoie un courriel à Bob.", ["delete_file", "gmail.send_email"]],
    ["Veuillez l'effacer : le fichier a.txt.", ["delete_file"]],
    ["Annulez le virement permanent.", ["cancel_standing_order"]],
    ["Paga la factura.", ["send_money"]],
    ["Borra el archivo a.txt.", ["delete_file"]],
    ["a.txtというファイルを削除してください。", ["delete_file"]],
    ["bob@corp.exampleにメールを送ってください。", ["gmail.send_email"]],
    ["ボブに2000円を振り込んでください。ファイルは削除しないでください。", ["send_money"]],
    ["ＤＥＬＥＴＥ the ｆｉｌｅ.", ["delete_file"]],
    // Of two tools with one act the one that is named as the word is translated; else a person tells them apart.
    ["Lösche a.txt.", ["delete_file"]],
    ["Storniere es.", ["cancel_standing_order"]],
    ["Wirf a.txt weg.", []],
    ["Elimina o ficheiro a.txt e depois manda um e-mail ao Bob.", ["delete_file", "gmail.send_email"]],
    ["Cancella il file a.txt.", ["delete_file"]],
    ["Verwijder het bestand a.txt en betaal de factuur.", ["delete_file", "send_money"]],
    ["Usuń plik a.txt.", ["delete_file"]],
    ["Удалите файл a.txt.", ["delete_file"]],
    ["Измени постоянное поручение.", ["change_standing_order"]],
    ["删除文件a.txt。", ["delete_file"]],
    ["如果没有问题，就给鲍勃转账20。", ["send_money"]],
    ["如果没有问题，就不要给鲍勃转账20。", []],
    ["把会议分别写入两个文件。", ["write_file"]],
    ["a.txt 파일을 삭제해 주세요.", ["delete_file"]],
    ["밥에게 20을 송금해 주세요.", ["send_money"]],
  ])("in other languages: %s", (task, names) => {
    expect([...toolsNamed(task, TOOLS)].toSorted()).toEqual(names.toSorted());
  });

  test("a tool is named by the words of its manifest, in any language, where nothing takes them back", () => {
    const tools = [
      { name: "delete_file", changes: true, namedBy: ["Удали", "sterg definitiv", "삭제해", "删除"] },
      { name: "read_file", changes: false, namedBy: ["удали"] },
    ];
    for (const task of [
      "УДАЛИ файл a.txt.",
      "Te rog sterg  definitiv a.txt",
      "请删除a.txt。",
      "a.txt를 삭제해 줘",
    ])
      expect([task, [...toolsNamed(task, tools)]]).toEqual([task, ["delete_file"]]);
    for (const task of [
      "Не удали файл.",
      "Не надо, удали.",
      "sterg acum definitiv",
      '"Удали" по-английски?',
      "不删除",
      "/удали/x",
    ])
      expect([task, [...toolsNamed(task, tools)]]).toEqual([task, []]);
  });

  test("a tool that is named in another language is named in it, and in English", () => {
    const tools = ["überweisen", "datei.löschen", "ファイル削除"].map((name) => ({ name, changes: true }));
    expect([...toolsNamed("Lösche die Datei.", tools)]).toEqual(["datei.löschen"]);
    expect([...toolsNamed("Transfer 20 to Bob.", tools)]).toEqual(["überweisen"]);
  });

  test("what a name does is the gravest of its words, wherever it stands", () => {
    const tools = ["forwarding.update", "mail.delete", "bookingCancel", "message_send"].map((name) => ({
      name,
      changes: true,
    }));
    expect([...toolsNamed("Mail Bob, and forward it to Carol.", tools)]).toEqual(["message_send"]);
    expect([...toolsNamed("Book it.", tools)]).toEqual([]);
    expect([...toolsNamed("Cancel the booking.", tools)]).toEqual(["bookingCancel"]);
    expect([...toolsNamed("Update the forwarding.", tools)]).toEqual(["forwarding.update"]);
  });

  test.each([
    ["Transfer 20 to Bob.", ["transfers.create"]],
    ["Mail everyone on the list.", ["compose_message"]],
    ["Set up another one for the club.", ["transfers.create", "compose_message", "append_to_file"]],
    ["Call it off.", ["call_off_event"]],
    ["Get rid of the event.", ["call_off_event"]],
    ["Let the others know.", ["compose_message"]],
    // "to" stands in a name as it does in every sentence, and tells no tool from another.
    ["Add Bob to it.", ["share_with_user", "append_to_file", "transfers.create", "compose_message"]],
    ["Call Bob, then go off.", []],
    ["Do not set it up.", []],
  ])("what is made, and verbs of several words: %s", (task, names) => {
    const tools = ["transfers.create", "compose_message", "append_to_file", "call_off_event"]
      .concat(["share_with_user"])
      .map((name) => ({ name, changes: true }));
    expect([...toolsNamed(task, tools)].toSorted()).toEqual(names.toSorted());
  });

  test("a translated word names whoever does it, and whoever only makes it where nobody does", () => {
    const [makes, does] = ["create_transfer", "pay_bill"].map((name) => ({ name, changes: true }));
    if (makes === undefined || does === undefined) throw new Error("two tools");
    expect([...toolsNamed("Überweise 20 an Bob.", [makes])]).toEqual(["create_transfer"]);
    expect([...toolsNamed("Überweise 20 an Bob.", [makes, does])]).toEqual(["pay_bill"]);
  });

  test("of a name without any act the registrar's description says what it does, by its first word alone", () => {
    const whisper = {
      name: "whisper",
      changes: true,
      description: "Sends a direct message and deletes the draft. Pays.",
    };
    const echo = { name: "echo", changes: true, description: "Use this tool to delete a note" };
    const tools = [whisper, echo, { name: "delete_file", changes: true, description: "Sends it." }];
    expect([...toolsNamed("Send Bob a direct message.", tools)]).toEqual(["whisper"]);
    expect([...toolsNamed("Whisper it.", tools)]).toEqual(["whisper"]);
    expect([...toolsNamed("Delete the note.", tools)]).toContain("echo");
    expect([...toolsNamed("Delete the direct one later.", tools)].includes("whisper")).toBe(false);
    expect([...toolsNamed("Send Bob a direct message.", [{ name: "whisper", changes: true }])]).toEqual([]);
  });

  test("what is denied is named where it is asked for as well", () => {
    const named = toolsNamed("Do not delete mail. Delete the file b.txt.", TOOLS);
    expect([...named]).toEqual(["delete_file"]);
  });

  test("a tool that other tools share every word with, and whose name says no act, is never named", () => {
    const tools = ["alpha_beta", "alpha_gamma", "beta_delta"].map((name) => ({ name, changes: true }));
    expect([...toolsNamed("alpha beta", tools)]).toEqual([]);
    expect([...toolsNamed("gamma", tools)]).toEqual(["alpha_gamma"]);
  });

  test("whatever the task: only tools that there are, only ones that change something, and always the same", () => {
    const words = fc.constantFrom(
      "delete",
      "file",
      "not",
      "pay",
      "send",
      '"',
      "a@b.c",
      "share",
      "standing",
      ".",
      "x",
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          fc.array(words).map((list) => list.join(" ")),
        ),
        (task) => {
          const named = [...toolsNamed(task, TOOLS)];
          expect(named.filter((name) => !CHANGING.includes(name))).toEqual([]);
          expect([...toolsNamed(task, TOOLS)]).toEqual(named);
        },
      ),
      { seed: 42, numRuns: 300 },
    );
  });

  test("a quoted order names nothing, whatever stands in it", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme" }).filter((text) => !/["\n]/.test(text)),
        (text) => {
          expect([...toolsNamed(`Sum up "delete ${text}" for me.`, TOOLS)]).toEqual([]);
        },
      ),
      { seed: 42, numRuns: 200 },
    );
  });
});
