"""The page of the explorer, a marimo app: controls on the left, the view on the right."""

import marimo

app = marimo.App(width="full", app_title="fokkerplanck explorer", css_file="app.css")


@app.cell
def imports():
    import marimo as mo

    from fokkerplanck.explore import page
    from fokkerplanck.explore.picture import DPI, HEIGHT, WIDTH
    from fokkerplanck.explore.player import player
    from fokkerplanck.explore.presets import FIRST, PRESETS
    from fokkerplanck.explore.view import Choices, choices_of, no_particles, schemes, starts, view_of
    from fokkerplanck.models.parameters import PARAMETERS, STARTS, defaults

    return (
        Choices, DPI, FIRST, HEIGHT, PARAMETERS, PRESETS, STARTS, WIDTH, choices_of, defaults, mo, no_particles,
        page, player, schemes, starts, view_of,
    )  # fmt: skip


@app.cell
def choose_preset(FIRST, PRESETS, mo):
    preset_names = {preset.title: name for name, preset in PRESETS.items()}
    asked = mo.query_params().get("preset", FIRST)
    first = asked if asked in PRESETS else FIRST
    preset_control = mo.ui.dropdown(preset_names, value=PRESETS[first].title, label="Theorem", full_width=True)
    unknown = "" if first == asked else f"There is no preset {asked}; they are {', '.join(PRESETS)}."
    return preset_control, unknown


@app.cell
def remember_preset(mo, preset_control):
    # In the address, for a reload and to be passed on.
    if preset_control.value != mo.query_params().get("preset"):
        mo.query_params()["preset"] = preset_control.value
    return


@app.cell
def choose_model(PARAMETERS, PRESETS, mo, preset_control):
    preset = PRESETS[preset_control.value]
    model_control = mo.ui.dropdown(list(PARAMETERS), value=preset.model, label="Model", full_width=True)
    return model_control, preset


@app.cell
def choose_method(mo, model_control, no_particles, preset, schemes, starts):
    own = model_control.value == preset.model
    scheme_control = mo.ui.dropdown(
        list(schemes(model_control.value)), value=schemes(model_control.value)[0], label="Scheme", full_width=True
    )
    start_control = mo.ui.dropdown(
        list(starts(model_control.value)),
        value=preset.start if own else starts(model_control.value)[0],
        label="Initial density",
        full_width=True,
    )
    refusal = no_particles(model_control.value)
    particles_control = mo.ui.checkbox(label="Lay 10 000 neurons over it", disabled=bool(refusal))
    end_control = mo.ui.number(
        start=0.05, stop=60.0, step=0.05, value=preset.end if own else 10.0, label="End of the run", full_width=True
    )
    return end_control, own, particles_control, refusal, scheme_control, start_control


@app.cell
def choose_values(PARAMETERS, STARTS, defaults, mo, model_control, own, page, preset, start_control):
    def slider(p, value):
        label = page.mathematics(f"{p.symbol}: {p.meaning}")
        return mo.ui.slider(p.low, p.high, p.step, value=value, label=label, include_input=True, full_width=True)

    def sliders(parameters, values):
        return mo.ui.dictionary({p.name: slider(p, values[p.name]) for p in parameters})

    parameters = PARAMETERS[model_control.value]
    model_values = sliders(parameters, defaults(parameters) | (dict(preset.values) if own else {}))
    same_start = own and start_control.value == preset.start
    of_start = STARTS[start_control.value]
    start_values = sliders(of_start, defaults(of_start) | (dict(preset.start_values) if same_start else {}))
    return model_values, start_values


@app.cell
def theorem(mo, own, page, preset, unknown):
    mo.Html(page.unknown_preset(unknown) + page.theorem(preset, own))
    return


@app.cell
def controls(
    end_control, mo, model_control, model_values, page, particles_control, preset_control, refusal, scheme_control,
    start_control, start_values,
):  # fmt: skip
    mo.vstack(
        [
            preset_control, model_control, *model_values.elements.values(), start_control,
            *start_values.elements.values(), end_control, scheme_control, particles_control,
            *([mo.Html(f"<small>{refusal}</small>")] if refusal else []),
            mo.Html(page.NUMBERS),
        ],
        gap=0.1,
    )  # fmt: skip
    return


@app.cell
def look(
    Choices, end_control, model_control, model_values, particles_control, scheme_control, start_control, start_values,
    view_of,
):  # fmt: skip
    view = view_of(
        Choices(
            model=model_control.value,
            values=tuple(model_values.value.items()),
            start=start_control.value,
            start_values=tuple(start_values.value.items()),
            end=end_control.value,
            scheme=scheme_control.value,
            particles=particles_control.value,
        )
    )
    return (view,)


@app.cell
def verdict(mo, page, view):
    mo.Html(page.verdict(view))
    return


@app.cell
def stage(DPI, HEIGHT, WIDTH, mo, player):
    mo.Html(player(round(WIDTH * DPI), round(HEIGHT * DPI)))
    return


@app.cell
def details(mo, page, view):
    mo.vstack([mo.Html(page.details(view)), mo.md(f"```python\n{view.code}\n```") if view.code else mo.md("")])
    return


if __name__ == "__main__":
    app.run()
