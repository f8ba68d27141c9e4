// A TypeScript file → JavaScript beside it: node transpile.mjs <file.mts> [check]. With `check`, a type error is exit 1.
import { readFileSync, writeFileSync } from "node:fs";
import ts from "typescript";

const [, , file, check] = process.argv;
const options = {
  strict: true,
  noEmit: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  lib: ["lib.es2022.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"],
  types: [],
};
const problems = check ? ts.getPreEmitDiagnostics(ts.createProgram([file], options)) : [];
if (problems.length) {
  const host = { getCanonicalFileName: (name) => name, getCurrentDirectory: () => ".", getNewLine: () => "\n" };
  process.stderr.write(ts.formatDiagnostics(problems, host));
  process.exit(1);
}
const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), { fileName: file, compilerOptions: options });
writeFileSync(file.replace(/\.mts$/, ".mjs"), outputText);
