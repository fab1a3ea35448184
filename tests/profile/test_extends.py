from tests.profile.conftest import Project, pointed


def test_maps_merge_lists_replace_and_nothing_removes(project: Project) -> None:
    project.write(
        "base.yaml",
        """
        gateway: {hold: 5s, cors: {origins: [http://a.test, http://b.test], credentials: true}}
        services:
          api: {command: run, port: 1, ready: {http: /health, interval: 9s}}
          old: {command: old, port: 2}
        routes: [{path: /a, service: api}, {path: /b, service: api}]
        """,
    )
    profile = project.load(
        """
        extends: base.yaml
        gateway: {cors: {origins: [http://c.test]}}
        services:
          api: {port: 3, ready: {interval: }}
          new: {command: new}
          old:
        routes: [{path: /c, service: api}]
        """
    ).profile
    assert profile.gateway.hold == 5
    assert profile.gateway.cors.origins == ("http://c.test",)
    assert list(profile.services) == ["api", "new"]
    api = profile.services["api"]
    assert (api.command, api.port, api.ready.http, api.ready.interval) == ("run", 3, "/health", 5.0)
    assert [route.path for route in profile.routes] == ["/c"]


def test_null_in_env_is_a_value(project: Project) -> None:
    project.write("base.yaml", "env: {A: 1, B: 2}\nservices: {api: {command: x, env: {C: 3}}}\n")
    profile = project.load("extends: base.yaml\nenv: {A: }\nservices: {api: {env: {C: null, D: ~}}}\n").profile
    assert profile.env == {"A": None, "B": "2"}
    assert profile.services["api"].env == {"C": None, "D": None}


def test_a_key_with_nothing_behind_it_is_as_if_not_written(project: Project) -> None:
    profile = project.load(
        "gateway:\n  # port: 1\nroutes:\nsync:\nservices:\n  api:\n    command: x\n    watch:\n"
    ).profile
    assert profile.gateway.port == 8080
    assert profile.services["api"].watch is None


def test_but_a_service_of_which_only_the_name_is_written_is_a_mistake(project: Project) -> None:
    problem = project.fault("services:\n  api:\n")
    assert (problem.message, pointed(problem)) == ("api must be a map, not nothing", "api")


def test_several_files_later_ones_over_earlier_ones(project: Project) -> None:
    project.write("one.yaml", "env: {A: one, B: one}\n")
    project.write("two.yaml", "env: {B: two, C: two}\n")
    loaded = project.load("extends: [one.yaml, two.yaml]\nenv: {C: three}\n")
    assert loaded.profile.env == {"A": "one", "B": "two", "C": "three"}
    assert [path.name for path in loaded.files] == ["devgate.yaml", "one.yaml", "two.yaml"]


def test_a_chain_through_folders(project: Project) -> None:
    project.write("shared/all.yaml", "services: {api: {command: ./run, cwd: api}}\n")
    project.write(
        "profiles/base.yaml", "extends: ../shared/all.yaml\nservices: {web: {command: npm start, watch: [src]}}\n"
    )
    loaded = project.load("extends: profiles/base.yaml\nservices: {own: {command: x}}\n")
    services = loaded.profile.services
    assert services["api"].cwd == str(project.folder / "shared" / "api")
    assert services["own"].cwd == services["web"].cwd == str(project.folder)
    assert services["web"].watch is not None
    assert services["web"].watch.paths == (str(project.folder / "src"),)
    assert [path.name for path in loaded.files] == ["devgate.yaml", "base.yaml", "all.yaml"]


def test_a_shipped_profile_by_its_name(project: Project) -> None:
    loaded = project.load("extends: fechatter/base\nservices: {fechatter-server: {command: mine}}\n")
    service = loaded.profile.services["fechatter-server"]
    assert (service.command, service.port, service.cwd) == ("mine", 6688, str(project.folder))
    assert not loaded.bundled


def test_values_keep_the_place_where_they_were_written(project: Project) -> None:
    project.write("base.yaml", "gateway:\n  port: 1\n  hold: 1s\n")
    loaded = project.load("extends: base.yaml\ngateway:\n  port: 2\n")
    origins = loaded.origins(project.folder)
    assert origins["gateway.port"] == "devgate.yaml:3"
    assert origins["gateway.hold"] == "base.yaml:3"


def test_a_fault_is_told_in_the_file_that_has_it(project: Project) -> None:
    project.write("base.yaml", "gateway:\n  port: none\n")
    problem = project.fault("extends: base.yaml\n")
    assert (problem.file, problem.line, pointed(problem)) == (str(project.folder / "base.yaml"), 2, "none")


def test_a_circle_is_printed(project: Project) -> None:
    project.write("a.yaml", "extends: b.yaml\n")
    project.write("b.yaml", "extends: devgate.yaml\n")
    problem = project.fault("extends: a.yaml\n")
    assert problem.message == "these files extend each other: devgate.yaml -> a.yaml -> b.yaml -> devgate.yaml"
    assert problem.file == str(project.folder / "b.yaml")
    assert pointed(problem) == "devgate.yaml"


def test_a_file_that_extends_itself(project: Project) -> None:
    assert project.fault("extends: ./devgate.yaml\n").message.endswith("devgate.yaml -> devgate.yaml")


def test_the_suffix_may_be_left_out(project: Project) -> None:
    project.write("base.yml", "description: base\n")
    assert project.load("extends: base\n").profile.description == "base"


def test_a_missing_base(project: Project) -> None:
    problem = project.fault("extends: bass.yaml\n")
    assert (problem.message, pointed(problem)) == ("there is no bass.yaml", "bass.yaml")


def test_a_chain_too_long_and_an_extends_that_is_none(project: Project) -> None:
    for number in range(40):
        project.write(f"p{number}.yaml", f"extends: p{number + 1}.yaml\n")
    assert project.fault("extends: p0.yaml\n").message == "more than 16 files extend each other"
    assert project.fault("extends: {a: 1}\n").message.startswith("extends must be a file")


def test_a_broken_base_and_what_to_watch_until_it_is_mended(project: Project) -> None:
    base = project.write("base.yaml", "a: [1\n")
    project.write("devgate.yaml", "extends: base.yaml\n")
    attempt = project.attempt()
    assert attempt.error is not None
    assert attempt.files == (project.folder / "devgate.yaml", base)


def test_extensions_are_allowed_at_every_level(project: Project) -> None:
    profile = project.load(
        """
        x-note: anything
        x-breaker: &breaker {failures: 9}
        gateway: {x-why: because, cors: {x-a: [1, {b: }]}}
        services:
          x-template: {nonsense: true}
          api: {command: x, port: 1, breaker: *breaker, x-owner: ada, stub: {x-a: 1, responses: [{path: /, x-b: 2}]}}
        routes: [{path: /, service: api, x-c: 3}]
        """
    ).profile
    assert list(profile.services) == ["api"]
    assert profile.services["api"].breaker.failures == 9


def test_where_names_are_the_user_s_x_is_no_extension(project: Project) -> None:
    profile = project.load(
        """
        services:
          api: {command: x, port: 1, env: {x-a: 1}, stub: {responses: [{path: /, headers: {x-b: 2}, body: {x-c: 3, d: null}}]}}
        routes: [{path: /, service: api, headers: {x-variant: a}}]
        """
    ).profile
    response = profile.services["api"].stub_spec.responses[0]
    assert profile.services["api"].env == {"x-a": "1"}
    assert profile.routes[0].headers == {"x-variant": "a"}
    assert (response.headers, response.body) == ({"x-b": "2"}, {"x-c": 3, "d": None})
