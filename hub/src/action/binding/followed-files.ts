/** Files that a program runs or obeys besides those that it is given. */
export interface Followed {
  /** files read implicitly; `*` stands for any part of a name */
  readonly files: readonly string[]
  /** whether it also searches the directories above */
  readonly above: boolean
  /** whether it runs files of a named directory */
  readonly runsDirectories: boolean
  /** whether its code comes from elsewhere, so that it needs no file of the project */
  readonly fetches: boolean
  /** suffixes it tries on a name: `node tool` runs `tool.js` */
  readonly endings: readonly string[]
  /** code it loads that no approval can bind, in words for the approver; empty if none */
  readonly loads: string
}

/** `how` lists: `above`, `directories`, `fetches`, and suffixes. */
type Line = readonly [programs: string, files: string, loads: string, how?: string]

const nodeConfigs =
  'package.json .npmrc package-lock.json npm-shrinkwrap.json pnpm-lock.yaml yarn.lock .yarnrc .yarnrc.yml .pnpmfile.cjs pnpm-workspace.yaml'

const projectCode = 'the code of the project and of its dependencies'

/** Per program: the files it follows, and unbindable code it loads. */
const lines: readonly Line[] = [
  ['make gmake bmake', 'GNUmakefile makefile Makefile', 'what its recipes start'],
  ['ninja samu', 'build.ninja', 'what its rules start'],
  ['cmake ctest cpack', 'CMakeLists.txt CMakePresets.json CMakeUserPresets.json', projectCode],
  ['meson', 'meson.build meson.options meson_options.txt', projectCode],
  ['just', 'justfile Justfile .justfile', 'what its recipes start', 'above'],
  [
    'task',
    'Taskfile.yml Taskfile.yaml taskfile.yml Taskfile.dist.yml',
    'what its tasks start',
    'above',
  ],
  ['mise', 'mise.toml .mise.toml .tool-versions', 'what its tasks start', 'above'],
  ['npm npx pnpm pnpx yarn yarnpkg corepack', nodeConfigs, projectCode, 'above'],
  ['bun bunx', `${nodeConfigs} bunfig.toml bun.lock bun.lockb`, projectCode, 'above'],
  [
    'deno',
    'deno.json deno.jsonc deno.lock import_map.json',
    'the modules that it imports',
    'above',
  ],
  [
    'node nodejs tsx ts-node',
    'tsconfig.json',
    'the modules that the script requires',
    '.js .cjs .mjs .ts /index.js /package.json',
  ],
  ['turbo', 'turbo.json package.json', projectCode, 'above'],
  ['nx', 'nx.json project.json package.json', projectCode, 'above'],
  ['lerna', 'lerna.json package.json', projectCode, 'above'],
  ['jest', 'jest.config.* package.json babel.config.* .babelrc', projectCode],
  ['vitest vite', 'vite.config.* vitest.config.* vitest.workspace.* package.json', projectCode],
  ['webpack', 'webpack.config.* package.json', projectCode],
  ['rollup', 'rollup.config.* package.json', projectCode],
  ['esbuild tsup', 'tsup.config.* package.json', projectCode],
  ['next nuxt astro', 'next.config.* nuxt.config.* astro.config.* package.json .env', projectCode],
  ['tsc', 'tsconfig.json', '', 'above'],
  ['eslint oxlint', 'eslint.config.* .eslintrc* package.json .oxlintrc.json', projectCode, 'above'],
  ['prettier', '.prettierrc* prettier.config.* package.json', projectCode, 'above'],
  [
    'mocha ava playwright cypress',
    '.mocharc* ava.config.* playwright.config.* cypress.config.* package.json',
    projectCode,
  ],
  ['gulp', 'gulpfile.*', projectCode],
  ['grunt', 'Gruntfile.*', projectCode],
  [
    'cargo',
    'Cargo.toml Cargo.lock build.rs rust-toolchain rust-toolchain.toml .cargo/config.toml .cargo/config',
    projectCode,
    'above',
  ],
  ['rustc', 'rust-toolchain rust-toolchain.toml', 'the modules that the source includes', 'above'],
  [
    'go gofmt golangci-lint',
    'go.mod go.sum go.work .golangci.yml .golangci.yaml',
    projectCode,
    'above directories',
  ],
  [
    'python pypy python2 python3 pypy3 ipython',
    '__main__.py',
    'the modules that it imports',
    'directories .py /__main__.py /__init__.py',
  ],
  [
    'pytest py.test',
    'pytest.ini pyproject.toml tox.ini setup.cfg conftest.py',
    'the tests and the code that they import',
    'above',
  ],
  ['tox', 'tox.ini pyproject.toml setup.cfg setup.py', projectCode],
  ['nox', 'noxfile.py pyproject.toml', projectCode],
  ['invoke inv fab', 'tasks.py fabfile.py', 'the modules that they import', 'above'],
  [
    'mypy ruff flake8 pylint black isort coverage',
    'pyproject.toml setup.cfg mypy.ini ruff.toml .ruff.toml .flake8 .pylintrc tox.ini .coveragerc',
    'the plugins that it loads',
    'above',
  ],
  [
    'pip pip3 uv poetry pdm hatch pipenv',
    'pyproject.toml setup.py setup.cfg requirements.txt uv.lock uv.toml poetry.lock pdm.lock Pipfile Pipfile.lock',
    'the packages that it installs',
    'fetches',
  ],
  ['django-admin alembic celery', 'manage.py alembic.ini', projectCode],
  ['pre-commit', '.pre-commit-config.yaml', 'the hooks that it fetches'],
  [
    'ansible ansible-playbook ansible-galaxy',
    'ansible.cfg',
    'roles, inventories and variables',
    'directories',
  ],
  [
    'docker docker-compose podman podman-compose nerdctl',
    'Dockerfile Containerfile docker-compose.yml docker-compose.yaml compose.yaml compose.yml docker-compose.override.yml compose.override.yaml docker-bake.hcl docker-bake.json .env .dockerignore',
    'the images, and the directories that are built or mounted',
  ],
  ['skaffold', 'skaffold.yaml', projectCode],
  [
    'kubectl oc kustomize',
    'kustomization.yaml kustomization.yml',
    'the state of the cluster',
    'directories',
  ],
  [
    'helm helmfile',
    'Chart.yaml values.yaml helmfile.yaml',
    'the templates of the chart',
    'directories',
  ],
  [
    'terraform tofu terragrunt',
    '*.tf *.tf.json *.tfvars *.tfvars.json terragrunt.hcl .terraform.lock.hcl',
    'modules, providers and the state',
  ],
  ['pulumi', 'Pulumi.yaml Pulumi.*.yaml', projectCode, 'above'],
  ['serverless sls wrangler', 'serverless.yml wrangler.toml wrangler.jsonc', projectCode],
  ['vagrant', 'Vagrantfile', 'its provisioners', 'above'],
  ['packer', '*.pkr.hcl', 'its provisioners'],
  [
    'mvn mvnw',
    'pom.xml .mvn/maven.config .mvn/jvm.config .mvn/extensions.xml .mvn/wrapper/maven-wrapper.properties .mvn/wrapper/maven-wrapper.jar',
    projectCode,
  ],
  [
    'gradle gradlew',
    'build.gradle build.gradle.kts settings.gradle settings.gradle.kts gradle.properties gradle/wrapper/gradle-wrapper.properties gradle/wrapper/gradle-wrapper.jar',
    projectCode,
    'above',
  ],
  ['ant', 'build.xml', projectCode],
  ['sbt', 'build.sbt project/build.properties project/plugins.sbt', projectCode],
  ['lein', 'project.clj', projectCode],
  ['java javac jshell kotlin kotlinc scala groovy', '', 'the classes on the class path', '.class'],
  ['rake', 'Rakefile rakefile Rakefile.rb', 'the tasks that it loads', 'above'],
  ['bundle bundler rails rspec', 'Gemfile Gemfile.lock .rspec config.ru', projectCode, 'above'],
  ['ruby irb', '', 'the libraries that the script requires', '.rb'],
  ['php phpunit artisan', 'phpunit.xml phpunit.xml.dist', 'files that the script includes'],
  ['composer', 'composer.json composer.lock', projectCode],
  ['mix elixir iex', 'mix.exs mix.lock', projectCode],
  [
    'dotnet msbuild',
    '*.csproj *.fsproj *.sln Directory.Build.props Directory.Build.targets global.json nuget.config',
    projectCode,
  ],
  ['swift', 'Package.swift Package.resolved', projectCode],
  [
    'flutter dart',
    'pubspec.yaml pubspec.lock analysis_options.yaml build.yaml',
    projectCode,
    'above',
  ],
  [
    'bazel bazelisk',
    'WORKSPACE WORKSPACE.bazel MODULE.bazel BUILD BUILD.bazel .bazelrc',
    projectCode,
    'above',
  ],
  ['zig', 'build.zig build.zig.zon', projectCode],
  ['cabal stack', '*.cabal cabal.project stack.yaml', projectCode],
  ['sh bash dash ash mksh zsh ksh fish . source', '', 'files that the script reads and starts'],
  ['perl', '', 'the modules that the script loads', '.pm'],
  ['lua luajit', '', 'the modules that the script loads', '.lua'],
  ['tclsh expect Rscript R julia', '', 'the modules that the script loads'],
  ['awk gawk mawk sed', '', ''],
  ['psql mysql mariadb sqlite3 duckdb', '', 'the content of the database'],
  ['gdb vi vim nvim ed ex emacs', '', 'files that its script reads and starts'],
  ['run-parts', '', 'programs that the scripts start', 'directories'],
  ['foreman honcho overmind heroku', 'Procfile Procfile.dev .env', projectCode],
  [
    'gunicorn uvicorn hypercorn flask streamlit',
    'gunicorn.conf.py app.py wsgi.py asgi.py .flaskenv .env',
    projectCode,
    '.py',
  ],
  ['pm2', 'ecosystem.config.* package.json', projectCode],
  ['snakemake', 'Snakefile workflow/Snakefile', 'what its rules start'],
  ['dvc', 'dvc.yaml dvc.lock params.yaml', 'what its stages start'],
  ['earthly', 'Earthfile', 'what its targets start'],
  ['act', '', 'the workflows and the actions that they use'],
  ['nix nix-build nix-shell', 'flake.nix flake.lock shell.nix default.nix', 'what it imports'],
  ['direnv', '.envrc .env', 'what its files start', 'above'],
  ['devbox', 'devbox.json devbox.lock', 'what its scripts start'],
  ['fly flyctl', 'fly.toml Dockerfile', projectCode],
  ['eb', '.elasticbeanstalk/config.yml', projectCode],
  ['gcloud', 'app.yaml cloudbuild.yaml', projectCode],
  ['sam', 'template.yaml template.yml samconfig.toml', projectCode],
  ['cdk', 'cdk.json package.json', projectCode],
  ['goreleaser', '.goreleaser.yml .goreleaser.yaml', projectCode],
  ['flit twine', 'pyproject.toml setup.py', projectCode],
  ['mkdocs', 'mkdocs.yml', 'its plugins and themes'],
  ['sphinx-build', 'conf.py', 'its extensions', 'directories'],
  ['hugo jekyll', 'hugo.toml hugo.yaml config.toml _config.yml Gemfile', 'its themes and plugins'],
  ['latexmk', '.latexmkrc latexmkrc', 'what its settings start'],
  ['buf', 'buf.yaml buf.gen.yaml buf.work.yaml', 'its plugins'],
  ['sqlc', 'sqlc.yaml sqlc.yml sqlc.json', 'the statements that it names'],
  [
    'dbmate flyway liquibase goose migrate sqlx diesel',
    'flyway.conf flyway.toml liquibase.properties diesel.toml .env',
    'the migrations',
    'directories',
  ],
  [
    'prisma drizzle-kit knex sequelize',
    'prisma/schema.prisma drizzle.config.* knexfile.* .sequelizerc package.json',
    'the migrations',
  ],
  [
    'tailwindcss postcss semantic-release storybook vercel netlify firebase sst',
    'tailwind.config.* postcss.config.* .releaserc* .storybook/main.* vercel.json netlify.toml firebase.json sst.config.* package.json',
    projectCode,
  ],
  ['lefthook husky lint-staged', 'lefthook.yml .lintstagedrc* package.json', projectCode],
]

const table = new Map<string, Followed>()
for (const [programs, files, loads, hows = ''] of lines) {
  const how = hows.split(' ')
  const followed = {
    files: files.split(' ').filter(Boolean),
    above: how.includes('above'),
    runsDirectories: how.includes('directories'),
    fetches: how.includes('fetches'),
    endings: how.filter((word) => /^[./]/.test(word)),
    loads,
  }
  for (const program of programs.split(' ')) table.set(program, followed)
}

/**
 * The files a program follows; undefined for one that runs nothing beyond its words.
 *
 * @param program a bare name; a version suffix (`python3.12`) is ignored
 */
export function followedBy(program: string): Followed | undefined {
  return table.get(program) ?? table.get(program.replace(/[\d.-]+$/, ''))
}

/** Programs for which a named file's content does not matter. */
export const blindToContent: ReadonlySet<string> = new Set(
  'rm rmdir unlink touch mkdir chmod chown chgrp cd pushd kill du stat'.split(' '),
)

/** Programs that load no code and no settings of a project: their words tell everything. */
export const selfContained: ReadonlySet<string> = new Set(
  `[ alias ar base64 break builtin bunzip2 bzip2 cat command continue cp curl cut date dd declare df diff echo env eval exec
   exit export false find gh git grep gunzip gzip head hostname id install ip ifconfig jobs join jq kill killall ln local ls lsof
   mapfile mktemp mv nc nohup openssl paste ping pkill popd printf ps pwd read readonly return rg rsync scp service set sftp shift
   sleep sort split ssh ss sudo systemctl tail tar tee test time timeout touch tr trap true truncate type ulimit uname uniq unset
   unxz unzip wait wc wget which xargs xz yes zcat zip zstd`.split(/\s+/),
)

/** Options whose value is the program's working directory: only relevant as the place to search. */
export const directoryOptions: ReadonlySet<string> = new Set(
  '-C --directory --prefix --cwd --chdir --dir --project --project-dir --project-directory'.split(
    ' ',
  ),
)

/** git subcommands that bring in remote content. */
export const bringing: ReadonlySet<string> = new Set('pull fetch clone submodule'.split(' '))
