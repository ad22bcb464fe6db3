/** Characters of the longest command that is judged. */
const longest = 16_384

/** What is repeated as it is: tires a parser, a walker or a matcher by depth or by number. */
const units = [
  '$(', '"$(', '(', '{ ', '`', '$((', '${a:-', '<(', '[[ ', 'a;', 'a|', 'a&&', 'a&', 'sudo ', 'env ', 'env A=1 ', 'xargs ',
  'eval ', 'eval "', 'env -S "', 'bash -c ', "bash -c '", 'bash -c "bash -c ', 'find . -exec ', 'find . -exec ls {} \\; ',
  'ssh x ', 'docker exec x ', 'nice nice -n 5 ', 'timeout 5 ', '{a,b}', '*', '*/', '?', '[', '[a]', "'", '\\', '../', '/',
  'a=@:', '>a ', 'A=1 ', '-r ', '-v /', 'a ', 'cat ', '~', '#\n', '\n', 'cat <<E\n', 'if a;then ', 'case a in ', 'f(){ ',
  'f(){ f;', '! ', 's/a/b/;', '/a/ ', 'a[$(', 'cat ~/.ssh/id_rsa;', 'echo "$(',
] // prettier-ignore

/** What differs each time, so that nothing can be remembered. */
const numbered: readonly ((at: number) => string)[] = [
  (at) => `l${at};`,
  (at) => `ls a${at};`,
  (at) => `cd d${at};`,
  (at) => `grep -r x${at} . ;`,
  (at) => `cat *${at}*;`,
  (at) => `cat [a${at}]*;`,
  (at) => `cat ~/x${at};`,
  (at) => `git -C d${at} log;`,
  (at) => `ls d${at} | `,
  (at) => `echo x${at}|sh;`,
  (at) => `ls {1..60}${at};`,
  (at) => `bash -c 'ls {1..60}${at}';`,
  (at) => `bash -c 'rm x${at}';`,
  (at) => `find . -exec sudo -u x${at} `,
  (at) => `find . -exec rm x${at} {} \\; ;`,
  (at) => `sudo nice env timeout 5 nohup cat *${at};`,
  (at) => `env A${at}=1 `,
  (at) => `sudo -u u${at} `,
  (at) => `$a${at} `,
  (at) => `$(ls ${at}) `,
  (at) => `x$(y ${at}$(z));`,
  (at) => `<(ls ${at}) `,
  (at) => `>f${at} `,
  (at) => `A${at}=1 `,
  (at) => `for a${at} in b;do ls;done;`,
  (at) => `cat <<E${at}\nx\nE${at}\n`,
  (at) => `ssh h${at} rm x;`,
  (at) => `f${at}(){ ls;};`,
]

/** What comes after the cap on parts, or below as many compounds as are followed. */
const framed: Readonly<Record<string, string>> = {
  'find, many actions': `find . ${count((at) => `-exec x${at} {} + `)}`,
  'sudo past the cap': `${'ls;'.repeat(201)}${'sudo '.repeat(3000)}rm -rf /`,
  'env past the cap': `${'ls;'.repeat(201)}${'env A=1 '.repeat(1900)}`,
  'find past the cap': `${'ls;'.repeat(201)}${'find . -exec '.repeat(1100)}`,
  'function in function': `${'f(){ '.repeat(60)}${'f&'.repeat(7500)}`,
  'pipelines in pipelines': `${'{ '.repeat(60)}${'a|'.repeat(7500)}a${';}|a'.repeat(60)}`,
  'a directory too deep': `cd ${'a/'.repeat(3000)};${'cat x;'.repeat(1500)}`,
}

/** A hundred texts of 16 KiB and more made to tire the classifier, by what they are made of. */
export function hostileTexts(): Record<string, string> {
  const repeated = units.map(
    (unit) => [unit, unit.repeat(Math.ceil(longest / unit.length))] as const,
  )
  const distinct = numbered.map((text) => [text(0), count(text)] as const)
  const programs = ["sed '", "awk '", 'ls '].flatMap((head) =>
    ['s/a/b/;', '/', '/a/ ', '$('].map(
      (unit) => [head + unit, head + unit.repeat(longest)] as const,
    ),
  )
  const all = [...repeated, ...distinct, ...programs, ...Object.entries(framed)]
  return Object.fromEntries(all.map(([name, text]) => [name, text.slice(0, longest)]))
}

function count(text: (at: number) => string): string {
  let all = ''
  for (let at = 0; all.length < longest; at += 1) all += text(at)
  return all
}
