"""Colours and fonts of the page. System fonts only: there is nothing to download."""

import gradio as gr


def page_theme() -> gr.themes.Base:
    """Calm neutral surfaces, one accent colour, readable contrast in light and dark."""
    theme = gr.themes.Default(
        primary_hue="teal",
        neutral_hue="slate",
        radius_size="md",
        font=["system-ui", "-apple-system", "Segoe UI", "sans-serif"],
        font_mono=["ui-monospace", "Consolas", "monospace"],
    )
    return theme.set(
        body_background_fill="*neutral_50",
        body_background_fill_dark="*neutral_950",
        background_fill_primary_dark="*neutral_900",
        background_fill_secondary_dark="#0b1220",
        block_background_fill_dark="*neutral_900",
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_400",
        color_accent="*primary_700",
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        block_label_text_color="*neutral_700",
        block_info_text_color="*neutral_600",
    )
